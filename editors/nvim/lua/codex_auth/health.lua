-- :checkhealth codex_auth: what the server's doctor finds, without leaving this machine.
return { check = function()
  local health, codex, checks = vim.health, require('codex_auth'), nil
  codex.request('auth/doctor', {}, function(result) checks = result.checks end)
  vim.wait(15000, function() return checks end, 50)
  health.start(codex.statusline())
  if not checks then return health.error('The sign-in server did not answer.') end
  for _, one in ipairs(checks) do
    local report = one.status == 'warning' and health.warn or health[one.status] or health.info
    local advice = vim.tbl_map(function(it) return it.title end, one.remediation or {})
    report(one.id .. ': ' .. table.concat({ one.summary, one.detail }, '\n'), advice[1] and advice)
  end
end }
