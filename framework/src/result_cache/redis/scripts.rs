//! What the server does in one step each, in Lua.

/// What all of them need: the time in milliseconds, whether a set of writers has one that is believed, a number that begins
/// with the time.
macro_rules! script {
    ($body:literal) => {
        concat!(
            "local t = redis.call('TIME')\n",
            "local now = t[1] * 1000 + math.floor(t[2] / 1000)\n",
            "local function busy(key) return redis.call('ZCOUNT', key, '(' .. now, '+inf') > 0 end\n",
            "local function number(key)\n",
            "  local n = redis.call('GET', key)\n",
            "  if n then return n end\n",
            "  n = t[1] .. string.format('%06d', t[2])\n",
            "  redis.call('SET', key, n)\n",
            "  return n\n",
            "end\n",
            "local function outlasts(key, ms)\n",
            "  if redis.call('PTTL', key) < tonumber(ms) then redis.call('PEXPIRE', key, ms) end\n",
            "end\n",
            $body
        )
    };
}

/// Tells of a write: closes what it touches, or opens it again.
///
/// Keys: so many sets of writers, then so many numbers, then rows. Arguments: how many sets, how many numbers, the step, the
/// writer, for how many milliseconds he is believed, the channel, the notice.
pub(super) const TELL: &str = script!(
    r"
local sets, numbers, step, writer, doubt = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]
for i = 1, sets do
  local key = KEYS[i]
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  if step == 'end' then
    redis.call('ZREM', key, writer)
  else
    redis.call('ZADD', key, now + doubt, writer)
    outlasts(key, doubt)
  end
end
for i = sets + 1, sets + numbers do
  number(KEYS[i])
  redis.call('INCR', KEYS[i])
end
for i = sets + numbers + 1, #KEYS do
  redis.call('DEL', KEYS[i])
end
redis.call('PUBLISH', ARGV[6], ARGV[7])
return 1
"
);

/// Looks for rows; gives a lease for those that are not there.
///
/// Keys: the two numbers, the two sets of writers, then a row and its set of writers each. Arguments: the fingerprint, the
/// token of a lease, its milliseconds. Answers for each row: 0 closed, 1 and the row, 2 held, 3 and the numbers.
pub(super) const LOOK: &str = script!(
    r"
local numbers = number(KEYS[1]) .. '.' .. number(KEYS[2])
local shut = busy(KEYS[3]) or busy(KEYS[4])
local fingerprint, token, ms = ARGV[1], ARGV[2], tonumber(ARGV[3])
local out = {}
for i = 5, #KEYS, 2 do
  local row, found = KEYS[i], nil
  if shut or busy(KEYS[i + 1]) then
    found = {0}
  else
    local kept = redis.call('HGET', row, fingerprint)
    if kept then
      local of, expires, at = string.match(kept, '^(%S+) (%d+) ()')
      if of == numbers and tonumber(expires) > now then
        found = {1, string.sub(kept, at)}
      end
    end
    if not found then
      local lease = redis.call('HGET', row, 'lease ' .. fingerprint)
      local of, expires = nil, nil
      if lease then of, expires = string.match(lease, '^(%S+) (%d+) ') end
      if of == numbers and tonumber(expires) > now then
        found = {2}
      else
        redis.call('HSET', row, 'lease ' .. fingerprint, numbers .. ' ' .. string.format('%.0f', now + ms) .. ' ' .. token)
        outlasts(row, ms)
        found = {3, numbers}
      end
    end
  end
  out[#out + 1] = found
end
return out
"
);

/// Puts rows in under their leases.
///
/// Keys: as for looking. Arguments: the fingerprint, for how many milliseconds, then for each row the numbers and the token
/// of its lease, whether there is a row, and the row. Answers how many were taken.
pub(super) const FILL: &str = script!(
    r"
local numbers = number(KEYS[1]) .. '.' .. number(KEYS[2])
local shut = busy(KEYS[3]) or busy(KEYS[4])
local fingerprint, ttl = ARGV[1], ARGV[2]
local taken = 0
for i = 5, #KEYS, 2 do
  local row, at = KEYS[i], 3 + (i - 5) * 2
  local field = 'lease ' .. fingerprint
  local lease = redis.call('HGET', row, field)
  local of, token = nil, nil
  if lease then of, token = string.match(lease, '^(%S+) %d+ (.*)$') end
  if of == ARGV[at] and token == ARGV[at + 1] then
    redis.call('HDEL', row, field)
    if of == numbers and ARGV[at + 2] == '1' and not shut and not busy(KEYS[i + 1]) then
      redis.call('HSET', row, fingerprint, of .. ' ' .. string.format('%.0f', now + ttl) .. ' ' .. ARGV[at + 3])
      outlasts(row, ttl)
      taken = taken + 1
    end
  end
end
return taken
"
);
