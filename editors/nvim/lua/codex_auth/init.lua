-- Sign-in to OpenAI's Codex over codex-auth-lsp, as protocol.md says; nothing is polled.
local M = {}
local RESTART_DELAYS = { 500, 2000, 8000 } -- milliseconds; then the next command starts it
local NONE_WAITS = 'No sign-in waits (:CodexSignIn).'
local command_line = { 'codex-auth-lsp' }
local INJECTING = vim.regex([[\v\C^(PYTHON|LD_|DYLD_|OPENSSL_|BASH_|GCONV_|__PYVENV)]])
local server, requests -- the connection, and what is answered there once it has said so
local crashes, status = 0, nil -- since a person asked for anything; the latest AuthStatus
local attempt, prompt_buffer, log_level -- the sign-in that was begun here, and what it changed

local function tell(message, remedies, level)
  for _, remedy in ipairs(remedies or {}) do
    local sign_in = vim.startswith(remedy.command or '', 'codexAuth.signIn')
    local how = sign_in and ' (:CodexSignIn).' or remedy.url and (' (%s).'):format(remedy.url)
    if how or not remedy.command then message = message .. ' ' .. remedy.title .. (how or '.') end
  end
  vim.notify(message, level or vim.log.levels.INFO, { title = 'Codex' })
end
local function end_attempt(id)
  if not attempt or attempt ~= id then return end
  pcall(vim.api.nvim_buf_delete, prompt_buffer or -1, { force = true }) -- it may be closed already
  vim.lsp.log.set_level(log_level)
  attempt = nil
end
local function accept(new)
  if new and new.revision < (status or new).revision then return end -- it was overtaken
  status = new
  vim.cmd.redrawstatus({ bang = true })
end

-- Shows what the person has to do, in a window that leaves nothing behind when it is done.
local function show_prompt(prompt)
  if prompt.attemptId ~= attempt or vim.fn.bufexists(prompt_buffer or -1) == 1 then return end
  local code, link = prompt.userCode, prompt.completeUrl or prompt.url
  local y, m, d, h, min = (prompt.expiresAt or ''):match('^(%d+)-(%d+)-(%d+)T(%d+):(%d+)')
  local utc = y and os.time({ year = y, month = m, day = d, hour = h, min = min, isdst = false })
  local till = utc and os.date(', good until %H:%M', os.time() + utc - os.time(os.date('!*t')))
  if not link:find('^https?://') then return tell('The sign-in page has no address of the web.') end
  vim.cmd('botright 14new | setlocal buftype=nofile bufhidden=wipe noswapfile') -- links are long
  prompt_buffer = vim.api.nvim_get_current_buf()
  local how = code and ('Code: %s%s'):format(code, till or '')
    or 'Paste an address with :CodexPaste; for a code, :CodexSignIn deviceCode.'
  local keys = 'gx opens the page if none opens, yy copies a line, :CodexCancel ends the sign-in.'
  vim.fn.setline(1, vim.split(table.concat({ prompt.message, how, keys, link }, '\n'), '\n'))
  vim.cmd('setlocal nomodifiable | normal! G')
  -- Over SSH a page would open on the wrong machine, and a code has to be seen before its page.
  if not code and not vim.env.SSH_CONNECTION then vim.ui.open(link) end
end
local handlers = {
  ['auth/statusChanged'] = function(params) accept(params.status) end,
  ['auth/loginPrompt'] = show_prompt,
  ['auth/loginCompleted'] = function(params) end_attempt(params.attemptId) end,
  ['auth/notice'] = function(params) tell(params.message, params.actions, vim.log.levels.WARN) end,
  ['window/showMessage'] = function(params) tell(params.message) end,
}
local function hear(name, params) return handlers[name] and handlers[name](params) end

-- The program, by absolute folders of PATH: none in the edited one, unless that holds the home.
local function program()
  local name, windows = command_line[1], vim.fn.has('win32') == 1
  if name:find('[/\\]') then return vim.fn.executable(name) == 1 and name end
  local function real(path) return vim.fs.normalize(vim.uv.fs_realpath(path) or path) .. '/' end
  local edited, home = real(vim.fn.getcwd()), real(vim.uv.os_homedir())
  for folder in vim.gsplit(vim.env.PATH or '', windows and ';' or ':') do
    local foreign = vim.startswith(real(folder), edited) and not vim.startswith(home, edited)
    local trusted = not foreign and folder:find(windows and '^%a:[/\\]' or '^/')
    local path = trusted and vim.fn.exepath(folder .. '/' .. name) or ''
    if path ~= '' then return path end
  end
end

local function lose_server(message)
  if server and not server.is_closing() then server.terminate() end
  server, requests = nil, nil
  end_attempt(attempt)
  accept(nil)
  if message then tell(message, nil, vim.log.levels.ERROR) end
end
local function ended(code, signal)
  if requests and code == 0 and signal == 0 then return lose_server() end -- it was asked to end
  crashes = crashes + 1
  lose_server(crashes == 1 and 'The Codex sign-in server ended unexpectedly and is started again; '
    .. 'if it goes on ending, codex-auth-lsp doctor in a terminal may say why.')
  local delay = RESTART_DELAYS[crashes]
  if delay then vim.defer_fn(function() return server or M.start() end, delay) end
end

function M.start()
  local path, env, this = program(), {}, nil -- to empty a variable is as good as to unset it
  local missing = command_line[1] .. ' is missing. Install it: pipx install . in its folder'
  if not path then return lose_server(missing) end
  for name in pairs(vim.fn.environ()) do env[name] = INJECTING:match_str(name) and '' end
  local function while_current(action)
    return vim.schedule_wrap(function(...) return server == this and action(...) end)
  end
  local listeners = { notification = while_current(hear), on_exit = while_current(ended) }
  local place = { cwd = vim.fs.dirname(path), env = env }
  this = vim.lsp.rpc.start(vim.list_extend({ path }, command_line, 2), listeners, place)
  server = this
  local able = { experimental = { auth = { protocolVersion = 1, loginPrompt = true } } }
  local hello = { processId = vim.fn.getpid(), rootUri = vim.NIL, capabilities = able }
  this.request('initialize', hello, while_current(function(_, result)
    local auth = vim.tbl_get(result or {}, 'capabilities', 'experimental', 'auth') or {}
    local other = 'The Codex sign-in server is too old or new: pipx upgrade codex-auth-lsp'
    if auth.protocolVersion ~= 1 then return lose_server(other) end
    requests = vim.list_extend({ 'workspace/executeCommand' }, auth.requests)
    this.notify('initialized', vim.empty_dict())
  end))
  local silent = 'The Codex sign-in server does not answer: codex-auth-lsp doctor'
  vim.defer_fn(while_current(function() return requests or lose_server(silent) end), 10000)
end
-- Asks the server, which is started where none runs; a failure is told.
function M.request(method, params, done)
  crashes = 0
  if not server then M.start() end
  vim.wait(11000, function() return requests or not server end, 20) -- it is given up before that
  if not vim.tbl_contains(requests or {}, method) then return end_attempt(attempt) end
  server.request(method, params or vim.empty_dict(), function(err, result)
    if not err then return done and done(result) end
    if method == 'auth/login' then end_attempt(params.attemptId) end
    if err.code == -32800 or err.code == -32802 then return end -- cancelled or superseded
    tell(err.message, (err.data or {}).remediation, vim.log.levels.ERROR)
  end)
end
-- Signs in with one of the methods of auth/methods; without one the person chooses.
function M.sign_in(method)
  if not method then
    return M.request('auth/methods', nil, function(result)
      vim.ui.select(vim.tbl_filter(function(one) return one.available end, result.methods), {
        prompt = 'Sign in to Codex',
        format_item = function(one) return one.title .. ': ' .. one.description end,
      }, function(one) return one and M.sign_in(one.id) end)
    end)
  end
  local key = method == 'apiKey' and vim.fn.inputsecret('API key, from '
    .. 'https://platform.openai.com/api-keys (billed at API rates): ') or nil
  if key == '' then return end
  end_attempt(attempt)
  attempt = ('nvim.%d.%d'):format(vim.fn.getpid(), vim.uv.hrtime())
  -- At DEBUG the LSP log holds whole messages, and those of a sign-in carry secrets.
  log_level = vim.lsp.log.get_level()
  vim.lsp.log.set_level(math.max(log_level, vim.log.levels.INFO))
  local params = { method = method, apiKey = key, attemptId = attempt }
  M.request('auth/login', params, function(result) tell(result.message, result.links) end)
end
-- Hands in the address of the page that a browser on another machine could not load.
function M.paste()
  local url = attempt and vim.fn.inputsecret('Whole address of that page: ')
  if not attempt then return tell(NONE_WAITS) end -- nor is the log quiet
  if url ~= '' then M.request('auth/submitCallback', { url = url }) end
end
function M.cancel()
  if attempt then M.request('auth/cancelLogin') else tell(NONE_WAITS) end
end
-- For 'statusline', as %{v:lua.require'codex_auth'.statusline()}.
function M.statusline()
  if not status then return server and 'Codex: …' or 'Codex: Stopped' end
  if status.pendingLogin then return 'Codex: Signing in…' end
  local account, store, provider = status.account or {}, status.store or {}, status.provider or {}
  local why, by_key = (status.lastError or {}).kind, status.method == 'environmentKey'
  local unusable = why == 'configurationInvalid' and store.backend == 'none'
  local locked = store.health == 'locked' and 'Keyring Locked' or 'Login Unreadable'
  local words = {
    signedIn = why == 'providerUnknown' and 'Provider Unknown' or account.label or 'Signed In',
    signedOut = 'Signed Out', needsReauth = 'Sign In Again',
    notRequired = provider.ready == false and (by_key and 'Key Not Set' or 'Provider Not Ready')
      or by_key and 'Environment Key' or 'No Sign-In Needed',
  }
  return 'Codex: ' .. (words[status.state] or unusable and 'config.toml Unusable' or locked)
end
-- Options: `cmd`, the server's command line as a list.
function M.setup(options)
  command_line = (options or {}).cmd or command_line
  M.start()
  local function run(command) M.request('workspace/executeCommand', { command = command }) end
  local create = vim.api.nvim_create_user_command
  create('CodexSignIn', function(call) M.sign_in(call.fargs[1]) end, { nargs = '?' })
  create('CodexPaste', M.paste, {})
  create('CodexCancel', M.cancel, {})
  create('CodexSignOut', function() run('codexAuth.signOut') end, {})
  create('CodexStatus', function() run('codexAuth.status') end, {})
end
return M
