-- Exact sliding windows, several at once, on the server's clock.
--
-- KEYS   one hash per window
-- ARGV   want, slot_ms, slots, then per key: limit, reserve, seed
-- answer granted, granted outside every reserve, milliseconds to wait when nothing was granted
--
-- A window counts grants in slots. A grant leaves after `slots` slots, so never earlier than (slots - 1) * slot_ms. `want` < 0 gives
-- back what was not used. `seed` is what the caller itself took within the last window: it fills a window that Redis has lost.
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local want = tonumber(ARGV[1])
local slot_ms = tonumber(ARGV[2])
local slots = tonumber(ARGV[3])
local slot = math.floor(now_ms / slot_ms)
local ttl = slot_ms * (slots + 2)

local function read(key, seed)
  local head = redis.call('HMGET', key, 'last', 'total', 'blocked')
  local last, total, blocked = tonumber(head[1]), tonumber(head[2]) or 0, tonumber(head[3]) or 0
  if not last then
    if seed > 0 then
      redis.call('HSET', key, slot, seed)
      total = seed
    end
    return total, blocked
  end
  if slot - last >= slots then
    redis.call('DEL', key)
    if blocked > now_ms then redis.call('HSET', key, 'blocked', blocked) end
    return 0, blocked
  end
  for old = last - slots + 1, slot - slots do
    local count = redis.call('HGET', key, old)
    if count then
      total = total - tonumber(count)
      redis.call('HDEL', key, old)
    end
  end
  return total, blocked
end

local granted, open, wait = want, want, 0
local totals, rests = {}, {}
for i, key in ipairs(KEYS) do
  local limit, reserve, seed = tonumber(ARGV[1 + i * 3]), tonumber(ARGV[2 + i * 3]), tonumber(ARGV[3 + i * 3])
  local total, blocked = read(key, seed)
  totals[i] = total
  rests[i] = math.max(0, blocked - now_ms)
  if want > 0 then
    if blocked > now_ms then
      granted, open = 0, 0
      wait = math.max(wait, blocked - now_ms)
    else
      local room = math.max(0, limit - total)
      if room == 0 then
        local first = slot - slots + 1
        while first < slot and redis.call('HEXISTS', key, first) == 0 do first = first + 1 end
        wait = math.max(wait, (first + slots) * slot_ms - now_ms)
      end
      granted = math.min(granted, room)
      open = math.min(open, math.max(0, limit - reserve - total))
    end
  end
end
open = math.min(open, granted)
for i, key in ipairs(KEYS) do
  local change = granted
  if want < 0 then change = -math.min(-want, totals[i], tonumber(redis.call('HGET', key, slot)) or 0) end
  if change ~= 0 then redis.call('HINCRBY', key, slot, change) end
  redis.call('HSET', key, 'last', slot, 'total', totals[i] + change)
  redis.call('PEXPIRE', key, math.max(ttl, rests[i]))
end
return {granted, open, wait}
