-- Exact sliding windows, several at once and for several askers at once, on the server's clock.
--
-- KEYS   one hash per window; last the key that tells since when this Redis remembers
-- ARGV   slot_ms, slots, paced slots, credit_ms; per window: limit, reserve, pace, microseconds of one, handful, seed, bound; then per
--        request: want, slot, whether it comes first (1), how many windows, their numbers
-- answer: the present slot; since when this Redis remembers; per request: granted, granted outside every reserve, milliseconds to wait when
--        nothing outside was granted (-1: bounds are needed)
--
-- Who comes first may draw on reserves, and what they asked for outside of them and did not get is kept from everybody else for as many
-- slots as are paced. Everybody else is paced, where a window is: one falls due every so many microseconds (0: not paced). What was not
-- taken when it was due may be caught up with for `credit_ms`, two handfuls at least, by no more than `pace` within the paced slots. Nobody
-- gets less than a handful where he wants as much and there is. So a window is not emptied at once, and then again when that has left it.
--
-- A window counts grants in slots. A grant leaves after `slots` slots, so never earlier than (slots - 1) * slot_ms. Requests are served in
-- their order; `want` < 0 gives back what was granted in `slot` and not used. `seed` is what the caller itself took within the last window: it fills a
-- window that Redis has lost. A window that is missing while Redis remembers less than a window's length may have been lost with what
-- anybody took: it begins with `bound`, the most that can have been taken, and as long as the caller doesn't know that (-1) nothing is given.
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local slot_ms = tonumber(ARGV[1])
local slots = tonumber(ARGV[2])
local paced_slots = tonumber(ARGV[3])
local credit_ms = tonumber(ARGV[4])
local slot = math.floor(now_ms / slot_ms)
local ttl = slot_ms * (slots + 2)
local since = tonumber(redis.call('GET', KEYS[#KEYS]))
if not since then
  since = now_ms
  redis.call('SET', KEYS[#KEYS], since)
end
local forgetful = now_ms - since < slots * slot_ms

local windows, answers = {}, { slot, since }

-- What the window holds now: what has left it is forgotten first.
local function read(number)
  local key, at = KEYS[number], number * 7 - 2
  local window = { limit = tonumber(ARGV[at]), reserve = tonumber(ARGV[at + 1]), pace = tonumber(ARGV[at + 2]), change = 0 }
  window.each_ms, window.handful = tonumber(ARGV[at + 3]) / 1000, tonumber(ARGV[at + 4])
  local seed, bound = tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6])
  local head = redis.call('HMGET', key, 'last', 'total', 'blocked', slot, 'asked', 'asked_in', 'due', 'came_in')
  local last = tonumber(head[1])
  window.total, window.rest = tonumber(head[2]) or 0, math.max(0, (tonumber(head[3]) or 0) - now_ms)
  window.here = tonumber(head[4]) or 0
  window.asked = slot - (tonumber(head[6]) or 0) < paced_slots and tonumber(head[5]) or 0
  -- Credit is for a campaign that goes on: for one that begins, what nobody asked for before was not missed.
  window.credit_ms = math.max(credit_ms, 2 * window.handful * window.each_ms)
  window.due = (slot - (tonumber(head[8]) or 0)) * slot_ms <= 2 * window.credit_ms and tonumber(head[7]) or nil
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
    window.total, window.here, window.due = 0, 0, nil
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
  window.due = math.max(now_ms - window.credit_ms, math.min(now_ms, window.due or now_ms - window.handful * window.each_ms))
  return window
end

-- How many of what is wanted, and there is, the pace leaves, and the milliseconds until it leaves more when it leaves none.
local function stride(number, want)
  local window = windows[number]
  if window.each_ms == 0 then return window.limit, 0 end
  local handful = math.min(want, window.handful)
  local fallen_due = math.floor((now_ms - window.due) / window.each_ms)
  if fallen_due < handful then return 0, math.ceil(window.due + handful * window.each_ms - now_ms) end
  if not window.lately then
    window.lately = 0
    if window.total > 0 then
      local places = {}
      for back = 1, paced_slots - 1 do places[back] = slot - back end
      for _, count in ipairs(redis.call('HMGET', KEYS[number], unpack(places))) do
        window.lately = window.lately + (tonumber(count) or 0)
      end
    end
  end
  return math.max(0, math.min(fallen_due, window.pace - window.lately - window.here)), (slot + 1) * slot_ms - now_ms
end

local function wait_for_room(key)
  local first = slot - slots + 1
  while first < slot and redis.call('HEXISTS', key, first) == 0 do first = first + 1 end
  return (first + slots) * slot_ms - now_ms
end

-- Give back to the very slot in which it was taken: another one's grants would leave the window too early.
local function give_back(number, count, taken_in, first)
  local window = windows[number]
  if window.unknown or taken_in <= slot - slots then return end
  local key = KEYS[number]
  local there = taken_in == slot and window.here or tonumber(redis.call('HGET', key, taken_in)) or 0
  local back = math.min(count, there)
  window.total = window.total - back
  if not first then window.due = window.due - back * window.each_ms end
  if taken_in == slot then
    window.here, window.change = window.here - back, window.change - back
  elseif back > 0 then
    redis.call('HINCRBY', key, taken_in, -back)
  end
end

for number = 1, #KEYS - 1 do windows[number] = read(number) end

local at = 5 + (#KEYS - 1) * 7
while at <= #ARGV do
  local want, taken_in = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local first, count = ARGV[at + 2] == '1', tonumber(ARGV[at + 3])
  local granted, open, wait = want, want, 0
  for i = 1, want < 0 and 0 or count do
    local number = tonumber(ARGV[at + 3 + i])
    local window = windows[number]
    if window.unknown then
      granted, open, wait = 0, 0, -1
      break
    elseif window.rest > 0 then
      granted, open, wait = 0, 0, math.max(wait, window.rest)
    else
      local outside = math.max(0, window.limit - window.reserve - window.total - (first and 0 or window.asked))
      local room = first and math.max(0, window.limit - window.total) or outside
      if outside == 0 then
        wait = math.max(wait, wait_for_room(KEYS[number]))
      elseif not first then
        local most, later = stride(number, math.min(want, room))
        room = math.min(room, most)
        if room == 0 then wait = math.max(wait, later) end
      end
      window.short = outside < want
      granted = math.min(granted, room)
      open = math.min(open, outside)
    end
  end
  open = math.min(open, granted)
  for i = 1, count do
    local number = tonumber(ARGV[at + 3 + i])
    windows[number].came = windows[number].came or not first
    if want < 0 then
      give_back(number, -want, taken_in, first)
    else
      local window = windows[number]
      window.total, window.here, window.change = window.total + granted, window.here + granted, window.change + granted
      if not first then window.due = window.due + granted * window.each_ms end
      if first and (window.short or window.asked > 0) then
        window.asked, window.asks = math.max(0, math.max(window.short and want or 0, window.asked) - open), true
      end
    end
  end
  answers[#answers + 1] = granted
  answers[#answers + 1] = open
  answers[#answers + 1] = wait
  at = at + 4 + count
end

for number, window in ipairs(windows) do
  local key = KEYS[number]
  if not window.unknown then
    if window.came and window.each_ms > 0 then redis.call('HSET', key, 'due', window.due, 'came_in', slot) end
    if window.change ~= 0 then redis.call('HINCRBY', key, slot, window.change) end
    if window.asks then redis.call('HSET', key, 'asked', window.asked, 'asked_in', slot) end
    redis.call('HSET', key, 'last', slot, 'total', window.total)
    redis.call('PEXPIRE', key, math.max(ttl, window.rest))
  end
end
return answers
