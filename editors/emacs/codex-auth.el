;;; codex-auth.el --- Sign-in to OpenAI's Codex  -*- lexical-binding: t; -*-

;; Author: The codex-auth-lsp project
;; Version: 0.1.0
;; Package-Requires: ((emacs "28.1"))
;; Keywords: comm, tools
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Talks to the language server codex-auth-lsp with the JSON-RPC library that
;; comes with Emacs; protocol.md says what is asked and heard.  Nothing is
;; polled, and no buffer is given to the server.  Switch `codex-auth-mode' on.

;;; Code:

(require 'jsonrpc)
(require 'map)
(require 'seq)
(require 'subr-x)

(defgroup codex-auth nil "Sign-in to OpenAI's Codex." :group 'tools)

(defcustom codex-auth-command '("codex-auth-lsp")
  "The server's command line; a bare name is looked for in `exec-path'."
  :type '(repeat string) :risky t)

(defvar codex-auth--connection nil "The running server, or `stopped'.")
(defvar codex-auth--requests nil "The methods that it answers.")
(defvar codex-auth--status nil "The latest AuthStatus; nil while it is not known.")
(defvar codex-auth--attempt nil "Id of the sign-in that was begun here.")
(defvar codex-auth--attempts 0 "How many were begun here.")
(defvar codex-auth--copied nil "What was copied from the prompt.")

(defconst codex-auth--buffer "*Codex sign-in*" "Where a prompt is shown.")

(defconst codex-auth--commands ; others are not shown
  '(("codexAuth.signIn" . codex-auth-sign-in-with-browser)
    ("codexAuth.signInWithDeviceCode" . codex-auth-sign-in-with-device-code)
    ("codexAuth.signInWithApiKey" . codex-auth-sign-in-with-api-key)
    ("codexAuth.signOut" . codex-auth-sign-out)
    ("codexAuth.status" . codex-auth-status)
    ("codexAuth.cancel" . codex-auth-cancel))
  "What the server's remedies are called here.")

(defun codex-auth--tell (text &optional remedies)
  "Say TEXT, and with REMEDIES what the person can do about it."
  (let ((ways (mapcar (pcase-lambda ((map :title :command :url))
                        (let ((known (cdr (assoc command codex-auth--commands))))
                          (cond (known (format "%s (M-x %s)." title known))
                                (url (format "%s (%s)." title url))
                                ((not command) (concat title ".")))))
                      remedies)))
    (message "%s" (string-join (cons text (delq nil ways)) " "))))

(defun codex-auth--fail (err)
  "Tell of ERR, unless it is a cancelled or superseded sign-in."
  (pcase-let (((map :code :message :data) err))
    (unless (memq code '(-32800 -32802 -1)) ; -1: the server is gone, which is told once
      (codex-auth--tell message (plist-get data :remediation)))))

(defun codex-auth--accept (status)
  "Keep STATUS, unless it is older than what the same server has said."
  (let ((old codex-auth--status))
    (unless (and old
                 (equal (plist-get old :serverInstanceId) (plist-get status :serverInstanceId))
                 (< (plist-get status :revision) (plist-get old :revision)))
      (setq codex-auth--status status)
      (force-mode-line-update t))))

;;; The server

(defun codex-auth--program ()
  "Return the server's program, never one of the folder that is being edited."
  (let ((name (car codex-auth-command)))
    (or (and (file-name-absolute-p name) name)
        (locate-file name (seq-filter #'file-name-absolute-p (default-value 'exec-path))
                     exec-suffixes #'file-executable-p)
        (user-error "%s is not on the PATH.  Install it with: pipx install codex-auth-lsp" name))))

(defun codex-auth--start ()
  "Start the server and say hello; return its connection."
  (let* ((program (codex-auth--program))
         (default-directory (file-name-directory program)) ; not the folder that is being edited
         (process-environment
          (seq-remove (lambda (entry) (string-match-p "\\`PYTHON\\(PATH\\|HOME\\)=" entry))
                      (default-value 'process-environment)))
         (connection
          (apply #'make-instance 'jsonrpc-process-connection
                 :name "codex-auth"
                 :process (lambda ()
                            (make-process
                             :name "codex-auth" :command (cons program (cdr codex-auth-command))
                             :connection-type 'pipe :coding 'utf-8-emacs-unix :noquery t
                             :stderr (get-buffer-create "*codex-auth stderr*")))
                 :notification-dispatcher #'codex-auth--hear
                 :request-dispatcher #'codex-auth--decline
                 :on-shutdown #'codex-auth--stopped
                 ;; Whole messages would stand in the events buffer, secrets included.
                 (if (boundp 'jsonrpc-event-hook) ; Emacs 30
                     '(:events-buffer-config (:size 0 :format full))
                   '(:events-buffer-scrollback-size 0)))))
    (setq codex-auth--connection connection)
    (let ((hello (jsonrpc-request
                  connection 'initialize
                  `(:processId ,(emacs-pid) :rootUri nil
                    :capabilities
                    (:experimental (:auth (:protocolVersion 1 :loginPrompt t)))))))
      (setq codex-auth--requests
            (append (map-nested-elt hello '(:capabilities :experimental :auth :requests)) nil))
      (jsonrpc-notify connection 'initialized (make-hash-table)))
    connection))

(defun codex-auth--stopped (connection)
  "Forget what belonged to CONNECTION, whose server has ended."
  (when (eq connection codex-auth--connection)
    (when codex-auth--attempt (message "The sign-in server ended before the sign-in did."))
    (setq codex-auth--connection 'stopped codex-auth--status nil)
    (codex-auth--end-attempt codex-auth--attempt)
    (force-mode-line-update t)))

(defun codex-auth--server ()
  "Return the running server, which is started where none runs."
  (if (and (eieio-object-p codex-auth--connection)
           (jsonrpc-running-p codex-auth--connection))
      codex-auth--connection
    (codex-auth--start)))

(defun codex-auth--stop ()
  "Let the server end; it stores what it has begun before it does."
  (when (eieio-object-p codex-auth--connection)
    (let ((connection codex-auth--connection))
      (setq codex-auth--connection 'stopped codex-auth--status nil)
      (codex-auth--end-attempt codex-auth--attempt)
      (ignore-errors ; it may be gone already
        (jsonrpc-async-request connection 'shutdown nil :timeout nil)
        (jsonrpc-notify connection 'exit nil)))))

(defun codex-auth--request (method params done)
  "Ask METHOD with PARAMS, and call DONE with the result; a failure is told."
  (let ((connection (codex-auth--server)))
    (unless (member (symbol-name method) codex-auth--requests)
      (user-error "The server does not know %s" method))
    (jsonrpc-async-request connection method params
                           :timeout nil :success-fn done :error-fn #'codex-auth--fail)))

(defun codex-auth--hear (connection method params)
  "Take in the notification METHOD with PARAMS, if CONNECTION is still in use."
  (when (eq connection codex-auth--connection)
    (pcase method
      ('auth/statusChanged (codex-auth--accept (plist-get params :status)))
      ('auth/loginPrompt (codex-auth--show params))
      ('auth/loginCompleted (codex-auth--end-attempt (plist-get params :attemptId)))
      ('auth/notice (codex-auth--tell (plist-get params :message) (plist-get params :actions))))))

(defun codex-auth--decline (_connection method _params)
  "Answer the server's request METHOD: none is known here."
  (jsonrpc-error :code -32601 :message (format "%s is not known here" method)))

;;; Signing in

(defun codex-auth--end-attempt (id)
  "Forget the attempt ID and all that it has shown."
  (when (equal id codex-auth--attempt)
    (setq codex-auth--attempt nil)
    (codex-auth--forget-prompt)))

(defun codex-auth--forget-prompt ()
  "Take the prompt from the screen and from the kill ring."
  (when (get-buffer codex-auth--buffer)
    (quit-windows-on codex-auth--buffer t)
    (when (get-buffer codex-auth--buffer) (kill-buffer codex-auth--buffer)))
  (when codex-auth--copied
    (setq kill-ring (delete codex-auth--copied kill-ring)
          kill-ring-yank-pointer kill-ring
          codex-auth--copied nil)))

(defun codex-auth--show (prompt)
  "Show what PROMPT asks of the person."
  (pcase-let (((map :attemptId :kind :url :completeUrl :userCode :message) prompt))
    (when (equal attemptId codex-auth--attempt)
      (if (not (seq-every-p
                (lambda (address)
                  (string-match-p
                   "\\`https://\\|\\`http://\\(localhost\\|127\\.[0-9.]+\\|\\[::1]\\)[:/]" address))
                (list url (or completeUrl url))))
          (progn (codex-auth-cancel)
                 (message "The sign-in server named an address that is not safe to open."))
        (codex-auth--forget-prompt)
        (with-current-buffer (get-buffer-create codex-auth--buffer)
          (special-mode)
          (buffer-disable-undo)
          (let ((inhibit-read-only t) (code (equal kind "deviceCode")))
            (insert message "\n"
                    (if code (format "Code: %s\n" userCode)
                      "p: paste the address of a page that could not be loaded\n")
                    (format "o: open the page   y: copy the %s   c: cancel\n" (if code "code" "link"))
                    url "\n")
            (use-local-map (make-composed-keymap (make-sparse-keymap) special-mode-map))
            (local-set-key "o" (lambda () (interactive) (browse-url (or completeUrl url))))
            (local-set-key "y" (lambda () (interactive)
                                 (kill-new (setq codex-auth--copied (if code userCode url)))))
            (local-set-key "c" #'codex-auth-cancel)
            (local-set-key "p" #'codex-auth-paste)
            (goto-char (point-min))
            (pop-to-buffer (current-buffer))
            ;; Over SSH a page would open on the wrong machine, and a code has to be seen first.
            (unless (or code (getenv "SSH_CONNECTION" (selected-frame)))
              (browse-url url))))))))

(defun codex-auth--login (method &rest params)
  "Sign in with METHOD; PARAMS has what else auth/login needs."
  (codex-auth--server)
  (let ((id (format "emacs.%d.%d" (emacs-pid) (cl-incf codex-auth--attempts))))
    (setq codex-auth--attempt id)
    (codex-auth--request 'auth/login `(:method ,method :attemptId ,id ,@params)
                         (pcase-lambda ((map :status :message :links))
                           (codex-auth--end-attempt id)
                           (codex-auth--accept status)
                           (codex-auth--tell message links)))))

;;;###autoload
(defun codex-auth-sign-in ()
  "Sign in to Codex, in one of the ways that the server offers here."
  (interactive)
  (let* ((methods (jsonrpc-request (codex-auth--server) 'auth/methods nil))
         (usable (seq-filter (lambda (one) (eq (plist-get one :available) t))
                             (plist-get methods :methods)))
         (titles (mapcar (lambda (one) (cons (plist-get one :title) (plist-get one :id))) usable))
         (title (completing-read
                 "Sign in to Codex: "
                 (lambda (text predicate action) ; in the server's order
                   (if (eq action 'metadata) '(metadata (display-sort-function . identity))
                     (complete-with-action action titles text predicate)))
                 nil t nil nil (caar titles)))
         (method (cdr (assoc title titles))))
    (if (equal method "apiKey") (codex-auth-sign-in-with-api-key) (codex-auth--login method))))

(defun codex-auth-sign-in-with-browser ()
  "Sign in to Codex with ChatGPT, in the browser."
  (interactive)
  (codex-auth--login "browser"))

(defun codex-auth-sign-in-with-device-code ()
  "Sign in to Codex with a code that is entered in a browser on any device."
  (interactive)
  (codex-auth--login "deviceCode"))

(defun codex-auth-sign-in-with-api-key ()
  "Sign in to Codex with an API key, whose use is billed at API rates."
  (interactive)
  (let ((key (read-passwd "API key, from https://platform.openai.com/api-keys (billed at API rates): ")))
    (unwind-protect (unless (string-empty-p key) (codex-auth--login "apiKey" :apiKey key))
      (clear-string key))))

(defun codex-auth-paste ()
  "Hand in the address of a page that a browser elsewhere could not load."
  (interactive)
  (unless codex-auth--attempt (user-error "No sign-in waits for an address"))
  (let ((url (read-passwd "The whole address of that page: ")))
    (codex-auth--request 'auth/submitCallback `(:attemptId ,codex-auth--attempt :url ,url) #'ignore)))

(defun codex-auth-cancel ()
  "End the sign-in that waits."
  (interactive)
  (codex-auth--request 'auth/cancelLogin
                       (and codex-auth--attempt `(:attemptId ,codex-auth--attempt)) #'ignore))

;;; Signing out, and what is known

(defun codex-auth-sign-out ()
  "Sign out of Codex on this machine, the Codex CLI included."
  (interactive)
  (codex-auth--request
   'auth/logout nil
   (pcase-lambda ((map :status :remaining :revoked))
     (codex-auth--accept status)
     (message "%s" (cond ((not (seq-empty-p remaining))
                          (format "A login is left in: %s." (plist-get (elt remaining 0) :store)))
                         ((equal (plist-get status :state) "signedIn")
                          (format "The stored login is gone; %s in the environment is still used."
                                  (or (map-nested-elt status '(:source :name)) "a variable")))
                         ((equal revoked "failed")
                          "Signed out of Codex.  The issuer could not be told.")
                         ("Signed out of Codex."))))))

(defun codex-auth-status ()
  "Say who is signed in, how it is billed and where the login is kept."
  (interactive)
  (codex-auth--request
   'auth/status nil
   (lambda (status)
     (codex-auth--accept status)
     (pcase-let* (((map :account :billing :provider :store :shadowed :lastError) status)
                  ((map :requirement :reason :links) (map-nested-elt status '(:cloud :mfa)))
                  (required (equal requirement "required")))
       (codex-auth--tell
        (string-join
         `(,(codex-auth--words)
           ,(format "Plan: %s, billing: %s" (or (plist-get account :planType) "none") billing)
           ,(format "Provider: %s" (plist-get provider :id))
           ,(format "Store: %s" (or (plist-get store :path) (plist-get store :backend)))
           ,@(mapcar (lambda (other) (plist-get other :reason)) shadowed)
           ,@(and required (list (format "Before Codex cloud: %s" reason)))
           ,@(and lastError (list (plist-get lastError :message))))
         "\n")
        (and required links))))))

(defun codex-auth--words ()
  "Return the state in two words or three."
  (pcase-let (((map :state :pendingLogin :method :account :store) codex-auth--status))
    (concat "Codex: "
            (cond ((eq codex-auth--connection 'stopped) "Stopped")
                  ((not codex-auth--status) "…")
                  (pendingLogin "Signing in…")
                  ((equal state "signedIn") (or (plist-get account :label) "Signed In"))
                  ((equal state "signedOut") "Signed Out")
                  ((equal state "needsReauth") "Sign In Again")
                  ((not (equal state "notRequired"))
                   (if (equal (plist-get store :health) "locked") "Keyring Locked"
                     "Login Unreadable"))
                  ((equal method "environmentKey") "Environment Key")
                  ("No Sign-In Needed")))))

(defun codex-auth-mode-line ()
  "Return the element for the mode line."
  (propertize (concat " [" (replace-regexp-in-string "%" "%%" (codex-auth--words)) "]")
              'face (and (equal (plist-get codex-auth--status :state) "needsReauth") 'warning)
              'help-echo "M-x codex-auth-status"))

;;;###autoload
(define-minor-mode codex-auth-mode
  "Show in the mode line who is signed in to Codex."
  :global t
  (let ((element '(:eval (codex-auth-mode-line))))
    (setq global-mode-string (remove element (if (listp global-mode-string) global-mode-string
                                               (list global-mode-string))))
    (if (not codex-auth-mode)
        (codex-auth--stop)
      (setq global-mode-string (append (or global-mode-string '("")) (list element)))
      (add-hook 'kill-emacs-hook #'codex-auth--stop)
      (condition-case err ; an init file goes on where the program is not there
          (codex-auth--server)
        (error (message "%s" (error-message-string err)))))))

(provide 'codex-auth)
;;; codex-auth.el ends here
