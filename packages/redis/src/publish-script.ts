import { RedisScript } from "./redis-script.ts";
import { shardScript } from "./shard-script.ts";

/**
 * Puts an event at the end of a log, and tells whoever follows it: `epoch.previous.offset.text`, without `previous` where nothing is
 * known of one.
 *
 * An entry of the stream has the offset before it (p), so that whatever is missing in between shows, whoever has taken it away; how
 * long all texts of the log have been together up to its own (c); and its text (t).
 *
 * KEYS[4], which may be left out, is where the event's id is remembered. ARGV from 5: the channel, the text, how many events are kept,
 * how many more until the oldest are cut off, for how many ms (-1: for good), how many bytes of them, for how many ms ids are
 * remembered, and the epoch outside of which nothing is to be stored, or nothing.
 *
 * Answers with the epoch and the offset; with the epoch alone where it is not the one asked for.
 */
export const publishScript: RedisScript = new RedisScript(`${shardScript}
if ARGV[12] ~= '' and ARGV[12] ~= epoch then return {epoch} end
if KEYS[4] then
  local known = redis.call('GET', KEYS[4])
  if known then return {epoch, known} end
end

local text, maxEvents, maxAgeMs, maxBytes = ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[9]), tonumber(ARGV[10])
local log = redis.call('HMGET', KEYS[2], 'last', 'bytes')
local last = tonumber(log[1])
local previous = last and math.max(last, start) or base
local offset = math.max(clock + 1, now * 1024)
local bytes = (tonumber(log[2]) or 0) + #text

local function add()
  return redis.pcall('XADD', KEYS[3], digits(offset), 'p', digits(previous), 'c', digits(bytes), 't', text)
end

local function excess(entry)
  return bytes - (tonumber(entry[2][4]) - #entry[2][6]) - maxBytes
end

local function trimBytes()
  local oldest = redis.call('XRANGE', KEYS[3], '-', '+', 'COUNT', 1)
  if not oldest[1] or excess(oldest[1]) <= maxBytes / 8 then return end
  repeat
    oldest = redis.call('XRANGE', KEYS[3], '-', '+', 'COUNT', 16)
    local kept = 1
    while oldest[kept] and excess(oldest[kept]) > 0 do kept = kept + 1 end
    if oldest[kept] then return redis.call('XTRIM', KEYS[3], 'MINID', oldest[kept][1]) end
    if oldest[1] then redis.call('XTRIM', KEYS[3], 'MINID', digits(tonumber(string.match(oldest[#oldest][1], '^%d+')) + 1)) end
  until not oldest[1]
end

if maxEvents ~= 0 then
  local added = add()
  if type(added) == 'table' and added.err then
    -- Events whose shard was taken away, and which are newer than the clock that has run backwards since.
    if not string.find(added.err, 'equal or smaller', 1, true) then return added end
    redis.call('DEL', KEYS[3])
    add()
  end
  if maxEvents > 0 and redis.call('XLEN', KEYS[3]) > maxEvents + tonumber(ARGV[8]) then
    redis.call('XTRIM', KEYS[3], 'MAXLEN', ARGV[7])
  end
  if maxAgeMs >= 0 then
    redis.call('XTRIM', KEYS[3], 'MINID', digits((now - maxAgeMs) * 1024 + 1))
    redis.call('PEXPIRE', KEYS[3], ARGV[9])
  end
  if maxBytes >= 0 and bytes > maxBytes then trimBytes() end
end

redis.call('HSET', KEYS[2], 'last', digits(offset), 'bytes', digits(bytes))
if forgetMs >= 0 then redis.call('PEXPIRE', KEYS[2], ARGV[4]) end
redis.call('HSET', KEYS[1], 'clock', digits(offset))
if KEYS[4] then redis.call('SET', KEYS[4], digits(offset), 'PX', ARGV[11]) end
redis.call('PUBLISH', ARGV[5], epoch .. '.' .. (last and digits(previous) or '') .. '.' .. digits(offset) .. '.' .. text)
return {epoch, digits(offset)}
`);
