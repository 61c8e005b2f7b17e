import { RedisScript } from "./redis-script.ts";

/** KEYS: when the members' time is over, and their texts. Leaves `now`, in ms; whose time is over has left. */
const begin = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function leave(member)
  redis.call('ZREM', KEYS[1], member)
  redis.call('HDEL', KEYS[2], member)
end
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))) do leave(member) end
`;

/** ARGV: for how many ms, and then members and texts in turn. */
export const leaseScript: RedisScript = new RedisScript(`${begin}
local untilMs = string.format('%.0f', now + ARGV[1])
for index = 2, #ARGV, 2 do
  redis.call('ZADD', KEYS[1], untilMs, ARGV[index])
  redis.call('HSET', KEYS[2], ARGV[index], ARGV[index + 1])
end
local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
for _, key in ipairs(KEYS) do redis.call('PEXPIREAT', key, string.format('%.0f', last)) end
`);

/** ARGV: members. */
export const releaseScript: RedisScript = new RedisScript(`${begin}
for _, member in ipairs(ARGV) do leave(member) end
`);

/** Answers with members and texts in turn. */
export const membersScript: RedisScript = new RedisScript(`${begin}
return redis.call('HGETALL', KEYS[2])
`);
