import { historyScript } from "./history-script.ts";

/**
 * The beginning of every script on a log. KEYS[1] is the shard, KEYS[2] the log, KEYS[3] its events. It leaves:
 *
 * - `now`: the server's time in ms.
 * - `epoch`, and `start`: positions up to it are of other epochs, or of this one before there was any event.
 * - `clock`: the offset of the shard's newest event. Offsets are times in 1/1024 ms, or one more than the newest where the clock has
 *   run backwards; so what a key's offsets were is known by and large also when everything about the key is forgotten.
 * - `base`: what a log begins after of which nothing is known: there is nothing after it that was forgotten.
 *
 * ARGV[1] names the server's history. Another one than the shard was written in means that the server was restarted or replaced, and
 * unless that loses nothing (ARGV[3]), a new epoch begins after all that is still there. ARGV[2] is what its name begins with. What a
 * key was forgotten for is older than ARGV[4] ms, -1 where nothing ever is.
 */
export const shardScript: string = `${historyScript}
local function digits(number) return string.format('%.0f', number) end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local shard = redis.call('HMGET', KEYS[1], 'epoch', 'start', 'begun', 'clock', 'history')
local elsewhere = misplaced(shard[5])
if elsewhere then return elsewhere end
local epoch, start, begun, clock = shard[1], tonumber(shard[2]), tonumber(shard[3]), tonumber(shard[4])
if not epoch or (shard[5] ~= ARGV[1] and ARGV[3] == '0') then
  clock = math.max(clock or 0, now * 1024)
  start = epoch and clock or 0
  begun = clock
  epoch = ARGV[2] .. string.format('%x', time[1] * 1000000 + time[2])
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'start', digits(start), 'begun', digits(begun), 'clock', digits(clock), 'history', ARGV[1])
elseif shard[5] ~= ARGV[1] then
  redis.call('HSET', KEYS[1], 'history', ARGV[1])
end
local forgetMs = tonumber(ARGV[4])
local base = start
if forgetMs >= 0 and (now - forgetMs) * 1024 > begun then base = math.min(clock, (now - forgetMs) * 1024) end
`;
