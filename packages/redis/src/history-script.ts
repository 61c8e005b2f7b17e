/**
 * Leaves `misplaced(written)`: the answer for a node that takes the server's history, ARGV[1], for another than it is, while what is
 * written is of another. Such a node has not noticed that its server was replaced, and came back; it would begin an epoch with each of
 * its scripts, and so would those that have. It is sent to look, see `isMisplaced`. Nothing where the server does not let it be asked.
 */
export const historyScript: string = `
local function misplaced(written)
  if not written or written == ARGV[1] then return nil end
  local info = redis.pcall('INFO', 'replication')
  local history = type(info) == 'string' and string.match(info, 'master_replid:(%w+)')
  if not history or string.sub(history, 1, #ARGV[1]) == ARGV[1] then return nil end
  return redis.error_reply('MISPLACED the server has another history')
end
`;
