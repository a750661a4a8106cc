-- :checkhealth codex_auth: what the server's doctor finds, without leaving this machine.
local health = vim.health and vim.health.ok and vim.health or nil
if not health then -- before Neovim 0.10
  local old = vim.health and vim.health.report_ok and vim.health or require('health')
  health = { start = old.report_start, ok = old.report_ok, warn = old.report_warn }
  health.error, health.info = old.report_error, old.report_info
end
local REPORT = { ok = health.ok, warning = health.warn, error = health.error }
local SECONDS = 15

local M = {}

function M.check()
  health.start('codex_auth')
  local auth, checks, failure = require('codex_auth'), nil, nil
  auth.with_server(function()
    local function done(result) checks = result.checks end
    auth.request('auth/doctor', {}, done, function(err) failure = err.message end)
  end)
  vim.wait(SECONDS * 1000, function() return checks or failure end, 50)
  if not checks then return health.error(failure or 'The sign-in server did not answer.') end
  for _, check in ipairs(checks) do
    local advice = vim.tbl_map(function(remedy) return remedy.title end, check.remediation or {});
    (REPORT[check.status] or health.info)(check.summary, advice)
  end
end

return M
