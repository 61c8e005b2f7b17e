import { RedisScript } from "./redis-script.ts";
import { shardScript } from "./shard-script.ts";

/**
 * Reads a page of a log. ARGV from 5: the events' age in ms (-1: any), epoch and offset of the position to read after, and of the one
 * to read before, each empty where there is none; how many events at most, and how many bytes of texts (-1: any).
 *
 * Answers with the epoch; the offset of the shard's newest event; 1 where a limit has cut the page, or where something is missing
 * between two of its events; the offset that was read after, and 1 where that is of the position asked for; the offset before the
 * first event that follows it, kept or not; and then offset and text of each event, oldest first where they are read after a position,
 * else newest first.
 */
export const readScript: RedisScript = new RedisScript(`${shardScript}
local maxAgeMs, limit, maxBytes = tonumber(ARGV[5]), tonumber(ARGV[10]), tonumber(ARGV[11])
if maxAgeMs >= 0 then redis.call('XTRIM', KEYS[3], 'MINID', digits((now - maxAgeMs) * 1024 + 1)) end

local before = ARGV[8] ~= '' and (ARGV[8] == epoch and tonumber(ARGV[9]) or 0) or nil
local page = {epoch, digits(clock), 0, '0', 1, '0'}
local count, bytes = 0, 0

-- Whether there is room for an event; what has none cuts the page.
local function take(offset, text)
  if count == limit or (count > 0 and maxBytes >= 0 and bytes + #text > maxBytes) then
    page[3] = 1
    return false
  end
  count, bytes = count + 1, bytes + #text
  page[#page + 1] = digits(offset)
  page[#page + 1] = text
  return true
end

local function offsetOf(entry) return tonumber(string.match(entry[1], '^%d+')) end

local function readAfter(from)
  local at, first = from, nil
  while true do
    local batch = redis.call('XRANGE', KEYS[3], '(' .. digits(at), '+', 'COUNT', 50)
    for _, entry in ipairs(batch) do
      local offset, previous = offsetOf(entry), tonumber(entry[2][2])
      first = first or previous
      if before and offset >= before then return first end
      if count > 0 and previous > at then page[3] = 1 return first end
      if not take(offset, entry[2][6]) then return first end
      at = offset
    end
    if #batch < 50 then return first end
  end
end

local function readNewest()
  if before == 0 then return end
  local top = before and '(' .. digits(before) .. '-0' or '+'
  while true do
    local batch = redis.call('XREVRANGE', KEYS[3], top, '-', 'COUNT', 50)
    for _, entry in ipairs(batch) do
      if not take(offsetOf(entry), entry[2][6]) then return end
    end
    if #batch < 50 then return end
    top = '(' .. batch[#batch][1]
  end
end

if ARGV[6] == '' then
  if limit > 0 then readNewest() end
  return page
end
local from = tonumber(ARGV[7])
if ARGV[6] ~= epoch or from > clock then
  from = start
  page[5] = 0
end
local first = readAfter(from)
if not first then
  local last = tonumber(redis.call('HGET', KEYS[2], 'last'))
  first = last and math.max(last, start) or base
end
page[4], page[6] = digits(from), digits(first)
return page
`);
