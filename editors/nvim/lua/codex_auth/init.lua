-- Sign-in to OpenAI's Codex for Neovim 0.7 and newer, over the language server codex-auth-lsp.
-- What it asks and hears is written in protocol.md; nothing is polled, and no buffer is attached.
local M = {}

local config = { cmd = { 'codex-auth-lsp' } }
local server = {} -- the running one: id, client, requests; `waiting` holds what begins when it is ready
local status -- the latest AuthStatus; nil while it is not known
local attempt -- id of the sign-in that was begun here
local prompt_buffer, log_level

local COMMANDS = { -- what the server's remedies are called here; others are not shown
  ['codexAuth.signIn'] = ':CodexSignIn browser',
  ['codexAuth.signInWithDeviceCode'] = ':CodexSignIn deviceCode',
  ['codexAuth.signInWithApiKey'] = ':CodexSignIn apiKey',
  ['codexAuth.signOut'] = ':CodexSignOut',
  ['codexAuth.status'] = ':CodexStatus',
  ['codexAuth.cancel'] = ':CodexCancel',
}

local function tell(message, remedies, level)
  local words = { message }
  for _, remedy in ipairs(remedies or {}) do
    local how = COMMANDS[remedy.command] or remedy.url
    if how or not remedy.command then
      table.insert(words, remedy.title .. (how and ' (' .. how .. ').' or '.'))
    end
  end
  vim.notify(table.concat(words, ' '), level or vim.log.levels.INFO, { title = 'Codex' })
end

local function fail(err)
  if err.code == -32800 or err.code == -32802 then return end -- cancelled or superseded: no failure
  tell(err.message, (err.data or {}).remediation, vim.log.levels.ERROR)
end

local function accept(new)
  local same = status and new.serverInstanceId == status.serverInstanceId
  if same and new.revision < status.revision then return end
  status = new
  vim.cmd('redrawstatus!')
end

-- The program, looked for in the absolute folders of PATH: never in the folder that is being edited.
local function program()
  local name = config.cmd[1]
  if name:find('[/\\]') then return name end
  for _, folder in ipairs(vim.split(vim.env.PATH or '', vim.fn.has('win32') == 1 and ';' or ':')) do
    local path = folder:match('^%a?:?[/\\]') and vim.fn.exepath(folder .. '/' .. name) or ''
    if path ~= '' then return path end
  end
end

-- At DEBUG Neovim's LSP log holds whole messages, and those of a sign-in carry secrets.
local function hold_log()
  local log = require('vim.lsp.log')
  log_level = log_level or log.get_level()
  log.set_level(math.max(log_level, vim.log.levels.INFO))
end

local function release_log()
  if log_level then require('vim.lsp.log').set_level(log_level) end
  log_level = nil
end

local function forget_prompt()
  if prompt_buffer and vim.api.nvim_buf_is_valid(prompt_buffer) then
    vim.api.nvim_buf_delete(prompt_buffer, { force = true })
  end
  prompt_buffer = nil
end

local function end_attempt(id)
  if attempt ~= id then return end
  attempt = nil
  forget_prompt()
  release_log()
end

local function is_safe(url)
  local host = url:match('^http://([^/:]+)[:/]') or url:match('^http://(%[::1%])')
  return url:match('^https://') or host == 'localhost' or host == '[::1]' or (host or ''):match('^127%.[%d.]+$')
end

local function open(url)
  if vim.ui.open then return vim.ui.open(url) end -- Neovim 0.10
  local opener = vim.fn.has('mac') == 1 and { 'open' }
    or vim.fn.has('win32') == 1 and { 'rundll32', 'url.dll,FileProtocolHandler' }
    or { 'xdg-open' }
  if vim.fn.executable(opener[1]) == 1 then vim.fn.jobstart(vim.list_extend(opener, { url }), { detach = true }) end
end

-- Shows what the person has to do, in a window that leaves nothing behind when the attempt has ended.
local function show_prompt(prompt)
  if prompt.attemptId ~= attempt then return end
  if not is_safe(prompt.url) or not is_safe(prompt.completeUrl or prompt.url) then
    M.cancel()
    return tell('The sign-in server named an address that is not safe to open.', nil, vim.log.levels.ERROR)
  end
  forget_prompt()
  local code = prompt.kind == 'deviceCode'
  local lines = {
    prompt.message,
    code and 'Code: ' .. prompt.userCode or 'p: paste the address of a page that could not be loaded',
    'o: open the page   y: copy the ' .. (code and 'code' or 'link') .. '   c: cancel',
    prompt.url,
  }
  vim.cmd('botright 8new')
  prompt_buffer = vim.api.nvim_get_current_buf()
  local set = vim.opt_local
  set.buftype, set.bufhidden, set.swapfile, set.undolevels, set.wrap = 'nofile', 'wipe', false, -1, true
  vim.api.nvim_buf_set_lines(prompt_buffer, 0, -1, false, lines)
  set.modifiable = false
  for key, action in pairs({
    o = function() open(prompt.completeUrl or prompt.url) end,
    y = function() vim.fn.setreg('+', code and prompt.userCode or prompt.url) end,
    c = M.cancel,
    p = not code and M.paste or nil,
  }) do
    vim.keymap.set('n', key, action, { buffer = prompt_buffer, nowait = true })
  end
  -- Over SSH a page would open on the wrong machine, and a code has to be seen before its page.
  if not code and not vim.env.SSH_CONNECTION then open(prompt.url) end
end

local function on(handler)
  return function(_, params, ctx)
    if ctx.client_id == server.id then handler(params) end
  end
end

local LEVELS = { error = vim.log.levels.ERROR, warning = vim.log.levels.WARN, info = vim.log.levels.INFO }
local handlers = {
  ['auth/statusChanged'] = on(function(params) accept(params.status) end),
  ['auth/loginPrompt'] = on(show_prompt),
  ['auth/loginCompleted'] = on(function(params) end_attempt(params.attemptId) end),
  ['auth/loginProgress'] = on(function() end), -- the status has `pendingLogin`
  ['auth/providersChanged'] = on(function() end),
  ['auth/notice'] = on(function(notice) tell(notice.message, notice.actions, LEVELS[notice.severity]) end),
}

local function stopped(id)
  if server.id and server.id ~= id then return end
  if attempt then tell('The sign-in server ended before the sign-in did.', nil, vim.log.levels.ERROR) end
  server, status = { stopped = true }, nil
  end_attempt(attempt)
  vim.cmd('redrawstatus!')
end

-- Runs `action` with the server, which is started where none runs.
function M.with_server(action)
  if server.client then return action() end
  if server.waiting then return table.insert(server.waiting, action) end
  local path = program()
  if not path then
    return tell(config.cmd[1] .. ' is not on the PATH. Install it with: pipx install codex-auth-lsp', nil, LEVELS.error)
  end
  server = { waiting = { action } }
  local options = {
    name = 'codex-auth',
    cmd = vim.list_extend({ path }, vim.list_slice(config.cmd, 2)),
    cmd_cwd = vim.fn.fnamemodify(path, ':p:h'), -- not the folder that is being edited
    cmd_env = { PYTHONPATH = '', PYTHONHOME = '' },
    capabilities = { experimental = { auth = { protocolVersion = 1, loginPrompt = true } } },
    handlers = handlers,
    flags = { exit_timeout = false }, -- the server stores what it has begun before it ends
    on_init = function(client, result)
      local waiting, auth = server.waiting, (result.capabilities.experimental or {}).auth or {}
      server = { id = client.id, client = client, requests = auth.requests or {} }
      for _, begin in ipairs(waiting) do begin() end
    end,
    on_exit = vim.schedule_wrap(function(_, _, id) stopped(id) end),
  }
  local newer = vim.fn.has('nvim-0.11') == 1
  local id = newer and vim.lsp.start(options, { attach = false }) or not newer and vim.lsp.start_client(options)
  if not id then stopped() end -- Neovim has said why
end

-- Sends a request; `done` gets its result, a failure is told.
function M.request(method, params, done, failed)
  if not vim.tbl_contains(server.requests, method) then return tell('The server does not know ' .. method .. '.') end
  params = next(params) and params or vim.empty_dict()
  local function answer(err, result)
    if err then (failed or fail)(err) elseif done then done(result) end
  end
  if vim.fn.has('nvim-0.11') == 1 then server.client:request(method, params, answer)
  else server.client.request(method, params, answer) end
end

local function login(params)
  local id = ('nvim.%d.%d'):format(vim.fn.getpid(), vim.loop.hrtime())
  params.attemptId, attempt = id, id
  hold_log()
  M.request('auth/login', params, function(result)
    end_attempt(id)
    accept(result.status)
    tell(result.message, result.links)
  end, function(err)
    end_attempt(id)
    fail(err)
  end)
end

-- Signs in with one of the methods of auth/methods; without one the person chooses.
function M.sign_in(method)
  M.with_server(function()
    if method == 'apiKey' then
      local key = vim.fn.inputsecret('API key, from https://platform.openai.com/api-keys (billed at API rates): ')
      if key ~= '' then login({ method = method, apiKey = key }) end
    elseif method then
      login({ method = method })
    else
      M.request('auth/methods', {}, function(result)
        local usable = vim.tbl_filter(function(one) return one.available end, result.methods)
        local function describe(one) return one.title .. ': ' .. one.description end
        vim.ui.select(usable, { prompt = 'Sign in to Codex', format_item = describe }, function(one)
          if one then M.sign_in(one.id) end
        end)
      end)
    end
  end)
end

function M.cancel()
  M.with_server(function() M.request('auth/cancelLogin', attempt and { attemptId = attempt } or {}) end)
end

-- Hands in the address of the page that a browser on another machine could not load.
function M.paste()
  if not attempt then return tell('No sign-in waits for an address.') end
  local url = vim.fn.inputsecret('The whole address of that page: ')
  if url ~= '' and attempt then M.request('auth/submitCallback', { attemptId = attempt, url = url }) end
end

function M.sign_out()
  M.with_server(function()
    M.request('auth/logout', {}, function(result)
      accept(result.status)
      local source = result.status.source or {}
      if #result.remaining > 0 then
        tell('Signed out, but a login is left in: ' .. result.remaining[1].store .. '.', nil, LEVELS.warning)
      elseif result.status.state == 'signedIn' then
        tell(('The stored login is gone; %s in the environment is still used.'):format(source.name or 'a variable'))
      else
        tell('Signed out of Codex.' .. (result.revoked == 'failed' and ' The issuer could not be told.' or ''))
      end
    end)
  end)
end

function M.status()
  M.with_server(function()
    M.request('auth/status', {}, function(new)
      accept(new)
      local account, mfa = new.account or {}, new.cloud.mfa
      local lines = { M.statusline(), 'Plan: ' .. (account.planType or 'none') .. ', billing: ' .. new.billing }
      vim.list_extend(lines, { 'Provider: ' .. new.provider.id, 'Store: ' .. (new.store.path or new.store.backend) })
      for _, other in ipairs(new.shadowed) do table.insert(lines, other.reason) end
      if mfa.requirement == 'required' then table.insert(lines, 'Before Codex cloud: ' .. mfa.reason) end
      if new.lastError then table.insert(lines, new.lastError.message) end
      tell(table.concat(lines, '\n'), mfa.requirement == 'required' and mfa.links or {})
    end)
  end)
end

-- For 'statusline', as %{v:lua.require'codex_auth'.statusline()}.
function M.statusline()
  if not status then return server.stopped and 'Codex: Stopped' or 'Codex: …' end
  if status.pendingLogin then return 'Codex: Signing in…' end
  if status.state == 'notRequired' then
    return status.method == 'environmentKey' and 'Codex: Environment Key' or 'Codex: No Sign-In Needed'
  end
  local words = { signedOut = 'Signed Out', needsReauth = 'Sign In Again' }
  words.signedIn = (status.account or {}).label or 'Signed In'
  local trouble = (status.store or {}).health == 'locked' and 'Keyring Locked' or 'Login Unreadable'
  return 'Codex: ' .. (words[status.state] or trouble)
end

-- Options: `cmd`, the server's command line as a list.
function M.setup(options)
  config = vim.tbl_extend('force', config, options or {})
  M.with_server(function() end)
end

return M
