-- :checkhealth codex_auth: how it is billed, and what the doctor finds on this machine alone.
local BILLING = { subscription = 'part of the ChatGPT plan', usage = 'by use, at API rates' }
return { check = function()
  local health, codex, status, checks = vim.health, require('codex_auth'), nil, nil
  codex.request('auth/status', {}, function(result) status = result end)
  codex.request('auth/doctor', {}, function(result) checks = result.checks end)
  vim.wait(15000, function() return checks end, 50)
  health.start(codex.statusline())
  if not (status and checks) then return health.error('The sign-in server did not answer.') end
  health.info('billing: ' .. (BILLING[status.billing] or status.billing))
  for _, one in ipairs(checks) do
    local report = one.status == 'warning' and health.warn or health[one.status] or health.info
    local advice = vim.tbl_map(function(it) return it.title end, one.remediation or {})
    report(one.id .. ': ' .. table.concat({ one.summary, one.detail }, '\n'), advice[1] and advice)
  end
end }
