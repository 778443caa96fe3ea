-- Exact sliding windows, several at once and for several askers at once, on the server's clock.
--
-- KEYS   one hash per window; last the key that tells since when this Redis remembers
-- ARGV   slot_ms, slots; per window: limit, reserve, seed, bound; then per request: want, slot, how many windows, their numbers
-- answer: the present slot; since when this Redis remembers; per request: granted, granted outside every reserve, milliseconds to wait when nothing was granted (-1: bounds
-- are needed)
--
-- A window counts grants in slots. A grant leaves after `slots` slots, so never earlier than (slots - 1) * slot_ms. Requests are served in
-- their order; `want` < 0 gives back what was granted in `slot` and not used. `seed` is what the caller itself took within the last window: it fills a
-- window that Redis has lost. A window that is missing while Redis remembers less than a window's length may have been lost with what
-- anybody took: it begins with `bound`, the most that can have been taken, and as long as the caller doesn't know that (-1) nothing is given.
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local slot_ms = tonumber(ARGV[1])
local slots = tonumber(ARGV[2])
local slot = math.floor(now_ms / slot_ms)
local ttl = slot_ms * (slots + 2)
local since = tonumber(redis.call('GET', KEYS[#KEYS]))
if not since then
  since = now_ms
  redis.call('SET', KEYS[#KEYS], since)
end
local forgetful = now_ms - since < slots * slot_ms

-- What the window holds now: what has left it is forgotten first.
local function read(number)
  local key, at = KEYS[number], number * 4 - 1
  local window = { limit = tonumber(ARGV[at]), reserve = tonumber(ARGV[at + 1]), change = 0 }
  local seed, bound = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local head = redis.call('HMGET', key, 'last', 'total', 'blocked', slot)
  local last = tonumber(head[1])
  window.total, window.rest = tonumber(head[2]) or 0, math.max(0, (tonumber(head[3]) or 0) - now_ms)
  window.here = tonumber(head[4]) or 0
  if not last then
    if forgetful then
      if bound < 0 then window.unknown = true end
      seed = math.max(seed, bound)
    end
    if seed > 0 and not window.unknown then
      redis.call('HSET', key, slot, seed)
      window.total, window.here = seed, seed
    end
  elseif slot - last >= slots then
    redis.call('DEL', key)
    if window.rest > 0 then redis.call('HSET', key, 'blocked', now_ms + window.rest) end
    window.total, window.here = 0, 0
  elseif slot > last then
    local gone = {}
    for old = last - slots + 1, slot - slots do gone[#gone + 1] = old end
    local counts = redis.call('HMGET', key, unpack(gone))
    local stale = {}
    for i, count in ipairs(counts) do
      if count then
        window.total = window.total - tonumber(count)
        stale[#stale + 1] = gone[i]
      end
    end
    if #stale > 0 then redis.call('HDEL', key, unpack(stale)) end
  end
  return window
end

local function wait_for_room(key)
  local first = slot - slots + 1
  while first < slot and redis.call('HEXISTS', key, first) == 0 do first = first + 1 end
  return (first + slots) * slot_ms - now_ms
end

local windows, answers = {}, { slot, since }

-- Give back to the very slot in which it was taken: another one's grants would leave the window too early.
local function give_back(number, count, taken_in)
  local window = windows[number]
  if window.unknown or taken_in <= slot - slots then return end
  local key = KEYS[number]
  local there = taken_in == slot and window.here or tonumber(redis.call('HGET', key, taken_in)) or 0
  local back = math.min(count, there)
  window.total = window.total - back
  if taken_in == slot then
    window.here, window.change = window.here - back, window.change - back
  elseif back > 0 then
    redis.call('HINCRBY', key, taken_in, -back)
  end
end

for number = 1, #KEYS - 1 do windows[number] = read(number) end

local at = 3 + (#KEYS - 1) * 4
while at <= #ARGV do
  local want, taken_in, count = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local granted, open, wait = want, want, 0
  for i = 1, want < 0 and 0 or count do
    local number = tonumber(ARGV[at + 2 + i])
    local window = windows[number]
    if window.unknown then
      granted, open, wait = 0, 0, -1
      break
    elseif window.rest > 0 then
      granted, open, wait = 0, 0, math.max(wait, window.rest)
    else
      local room = math.max(0, window.limit - window.total)
      if room == 0 then wait = math.max(wait, wait_for_room(KEYS[number])) end
      granted = math.min(granted, room)
      open = math.min(open, math.max(0, window.limit - window.reserve - window.total))
    end
  end
  open = math.min(open, granted)
  for i = 1, count do
    local number = tonumber(ARGV[at + 2 + i])
    if want < 0 then
      give_back(number, -want, taken_in)
    else
      local window = windows[number]
      window.total, window.here, window.change = window.total + granted, window.here + granted, window.change + granted
    end
  end
  answers[#answers + 1] = granted
  answers[#answers + 1] = open
  answers[#answers + 1] = wait
  at = at + 3 + count
end

for number, window in ipairs(windows) do
  local key = KEYS[number]
  if not window.unknown then
    if window.change ~= 0 then redis.call('HINCRBY', key, slot, window.change) end
    redis.call('HSET', key, 'last', slot, 'total', window.total)
    redis.call('PEXPIRE', key, math.max(ttl, window.rest))
  end
end
return answers
