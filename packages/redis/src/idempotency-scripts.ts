import { historyScript } from "./history-script.ts";
import { RedisScript } from "./redis-script.ts";

/**
 * The beginning of both. KEYS[1] is what holds for the whole store, KEYS[2] a sorted set of when the nodes' leases end. It leaves `now`,
 * in ms, and `epoch`: another one from when what was stored may be lost, see `shardScript`; ARGV[1] to [3] are as there, ARGV[4] is this
 * node and ARGV[5] the time of its lease.
 */
const begin = `${historyScript}
local function digits(number) return string.format('%.0f', number) end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local store = redis.call('HMGET', KEYS[1], 'epoch', 'history')
local elsewhere = misplaced(store[2])
if elsewhere then return elsewhere end
local epoch = store[1]
if not epoch or (store[2] ~= ARGV[1] and ARGV[3] == '0') then
  epoch = ARGV[2] .. string.format('%x', time[1] * 1000000 + time[2])
end
if epoch ~= store[1] or store[2] ~= ARGV[1] then redis.call('HSET', KEYS[1], 'epoch', epoch, 'history', ARGV[1]) end
`;

/** Shows that this node lives, and that the mutations of KEYS from 3 still run: they are remembered for ARGV[6] ms more. */
export const renewScript: RedisScript = new RedisScript(`${begin}
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', digits(now - 86400000))
redis.call('ZADD', KEYS[2], digits(now + ARGV[5]), ARGV[4])
for index = 3, #KEYS do redis.call('PEXPIRE', KEYS[index], ARGV[6]) end
return epoch
`);

/**
 * Claims KEYS[3], for which ARGV[6] ms the claim is remembered. ARGV[7] is the claim's own name, ARGV[8] the epoch that the client was
 * told when it sent the mutation again, or nothing.
 *
 * Answers with the epoch and `mine`; `done` and the outcome; `running`; `dead`, where the node that ran it is; or `lost`, where nobody
 * knows whether it was run.
 */
export const claimScript: RedisScript = new RedisScript(`${begin}
local record = redis.call('HMGET', KEYS[3], 'outcome', 'node', 'claim', 'epoch')
if record[1] then return {epoch, 'done', record[1]} end
if record[3] == ARGV[7] then return {epoch, 'mine'} end
if record[3] then
  -- What it came to may have been stored, and lost.
  if record[4] ~= epoch then return {epoch, 'lost'} end
  local untilMs = tonumber(redis.call('ZSCORE', KEYS[2], record[2]) or 0)
  return {epoch, untilMs > now and 'running' or 'dead'}
end
if ARGV[8] ~= '' and ARGV[8] ~= epoch then return {epoch, 'lost'} end
redis.call('HSET', KEYS[3], 'node', ARGV[4], 'claim', ARGV[7], 'epoch', epoch)
redis.call('PEXPIRE', KEYS[3], ARGV[6])
redis.call('ZADD', KEYS[2], digits(now + ARGV[5]), ARGV[4])
return {epoch, 'mine'}
`);

/** Writes down what the claim ARGV[1] of KEYS[1] came to, ARGV[2], for ARGV[3] ms. The first outcome stays. */
export const settleScript: RedisScript = new RedisScript(`
local record = redis.call('HMGET', KEYS[1], 'outcome', 'claim')
if record[1] or record[2] ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'outcome', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
`);

/** Takes back the claim ARGV[1] of KEYS[1]: nothing was run for it. */
export const abandonScript: RedisScript = new RedisScript(`
local record = redis.call('HMGET', KEYS[1], 'outcome', 'claim')
if not record[1] and record[2] == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
`);

/** This node, ARGV[1], runs nothing any more. */
export const leaveScript: RedisScript = new RedisScript(`
redis.call('ZREM', KEYS[1], ARGV[1])
return 1
`);
