;;; codex-auth.el --- Sign-in to OpenAI's Codex  -*- lexical-binding: t; -*-
;; Version: 0.1.0
;; Package-Requires: ((emacs "28.1"))
;; SPDX-License-Identifier: MIT
;;; Commentary:
;; A client of the language server codex-auth-lsp, as protocol.md says; nothing is polled.
;;; Code:
(require 'jsonrpc)
(require 'map)
(defcustom codex-auth-command '("codex-auth-lsp")
  "The server's command line; a bare name is looked for in `exec-path'."
  :group 'tools :type '(repeat string) :risky t)
(defconst codex-auth--restart-delays '(0.5 2 8) "Seconds; then the next command starts it.")
(defvar codex-auth--crashes 0 "How many there were since a person asked for anything.")
(defvar codex-auth--connection nil "The running server.")
(defvar codex-auth--requests nil "What it answers, once it has said so.")
(defvar codex-auth--status nil "The latest AuthStatus; nil while it is not known.")
(defvar codex-auth--attempt nil "Id of the sign-in that was begun here.")
(defconst codex-auth--buffer "*Codex sign-in*" "Where it is shown what the person has to do.")

(defun codex-auth--tell (text &optional remedies)
  "Say TEXT, and with REMEDIES what the person can do about it."
  (pcase-dolist ((map :title :command :url) (append remedies nil))
    (let* ((signs-in (string-prefix-p "codexAuth.signIn" (or command "")))
           (how (if signs-in "M-x codex-auth-sign-in" url)))
      (cond (how (setq text (format "%s %s (%s)." text title how)))
            ((not command) (setq text (format "%s %s." text title))))))
  (message "%s" text))

(defun codex-auth--start (&optional again)
  "Start the server where none runs, or AGAIN, away from the folder that is edited."
  (unless again (setq codex-auth--crashes 0))
  (condition-case nil
      (unless codex-auth--connection
        (let* ((here (unless (file-in-directory-p "~" default-directory) default-directory))
               (foreign (lambda (folder) (or (not (file-name-absolute-p folder))
                                             (and here (file-in-directory-p folder here)))))
               (exec-path (seq-remove foreign (remq nil (default-value 'exec-path))))
               (default-directory invocation-directory)
               (program (or (executable-find (car codex-auth-command)) (signal 'file-error nil)))
               (unsafe (rx bos (or "PYTHON" "LD_" "DYLD_" "OPENSSL_" "BASH_" "GCONV_" "__PYVENV")))
               (process-environment (seq-remove (apply-partially #'string-match-p unsafe)
                                                (default-value 'process-environment)))
               (process (make-process :name "codex-auth" :noquery t
                                      :command (cons program (cdr codex-auth-command))
                                      :connection-type 'pipe :coding 'utf-8-emacs-unix
                                      :stderr (get-buffer-create "*codex-auth stderr*"))))
          (setq codex-auth--connection
                (apply #'make-instance 'jsonrpc-process-connection
                       :name "codex-auth" :process process :on-shutdown #'codex-auth--ended
                       :notification-dispatcher #'codex-auth--hear
                       :request-dispatcher (lambda (&rest _) (jsonrpc-error "Not known here"))
                       (if (boundp 'jsonrpc-event-hook) ; Emacs 30; else secrets stand in a buffer
                           '(:events-buffer-config (:size 0 :format full))
                         '(:events-buffer-scrollback-size 0)))))
        (pcase-let* ((able '(:experimental (:auth (:protocolVersion 1 :loginPrompt t))))
                     (hello `(:processId ,(emacs-pid) :rootUri nil :capabilities ,able))
                     (answer (jsonrpc-request codex-auth--connection 'initialize hello))
                     (auth (map-nested-elt answer '(:capabilities :experimental :auth)))
                     ((map :protocolVersion :requests) auth))
          (unless (eql protocolVersion 1) (signal 'jsonrpc-error nil))
          (setq codex-auth--requests (append requests '("workspace/executeCommand") nil))
          (jsonrpc-notify codex-auth--connection 'initialized (make-hash-table))))
    (file-error
     (message "%s is missing.  Install it: pipx install . in its folder" (car codex-auth-command)))
    (jsonrpc-error
     (when (zerop codex-auth--crashes) ; else it has ended, which was told
       (message "No answer of version 1 from the Codex server: pipx upgrade codex-auth-lsp"))
     (when-let ((server codex-auth--connection))
       (codex-auth--ended server t)
       (delete-process (jsonrpc--process server))))))
(defun codex-auth--ended (connection &optional given-up)
  "Forget CONNECTION, whose server has crashed or ended or is GIVEN-UP."
  (when (eq connection codex-auth--connection)
    (setq codex-auth--connection nil codex-auth--requests nil codex-auth--status nil)
    (codex-auth--end-attempt codex-auth--attempt)
    (force-mode-line-update t)
    (unless (or given-up (eql 0 (process-exit-status (jsonrpc--process connection))))
      (when (= 1 (cl-incf codex-auth--crashes))
        (message "The Codex sign-in server ended unexpectedly and is started again; %s"
                 "if it goes on ending, codex-auth-lsp doctor in a terminal may say why."))
      (when-let ((delay (nth (1- codex-auth--crashes) codex-auth--restart-delays)))
        (run-at-time delay nil #'codex-auth--start t)))))

(defun codex-auth--request (method params &optional done)
  "Ask METHOD with PARAMS, and call DONE with the result; a failure is told."
  (codex-auth--start)
  (when (member (symbol-name method) codex-auth--requests)
    (jsonrpc-async-request
     codex-auth--connection method params :timeout nil :success-fn (or done #'ignore)
     :error-fn (pcase-lambda ((map :code :message :data))
                 (codex-auth--end-attempt (plist-get params :attemptId))
                 (unless (memq code '(-32800 -32802 -1)) ; cancelled, superseded; the server is gone
                   (codex-auth--tell message (plist-get data :remediation)))))))

(defun codex-auth--hear (connection method params)
  "Take in the notification METHOD with PARAMS, if CONNECTION is still in use."
  (pcase-let (((map :status :attemptId :message :actions) params))
    (pcase (and (eq connection codex-auth--connection) method)
      ('auth/statusChanged
       (when (> (plist-get status :revision) (or (plist-get codex-auth--status :revision) -1))
         (setq codex-auth--status status) (force-mode-line-update t)))
      ('auth/loginPrompt (codex-auth--show params))
      ('auth/loginCompleted (codex-auth--end-attempt attemptId))
      ((or 'auth/notice 'window/showMessage) (codex-auth--tell message actions)))))
(defun codex-auth--end-attempt (id)
  "Forget the attempt ID and what it has shown."
  (when (and id (equal id codex-auth--attempt))
    (setq codex-auth--attempt nil)
    (when-let ((shown (get-buffer codex-auth--buffer)))
      (quit-windows-on shown t) (kill-buffer shown))))

(defun codex-auth--show (prompt)
  "Show what PROMPT asks of the person."
  (pcase-let* (((map :attemptId :url :completeUrl :userCode :message :expiresAt) prompt)
               (end (and expiresAt (date-to-time expiresAt))))
    (when (and (equal attemptId codex-auth--attempt) (string-match-p "\\`https?://" url))
      (pop-to-buffer codex-auth--buffer) (special-mode)
      (let ((inhibit-read-only t))
        (erase-buffer)
        (insert message "\n"
                (if userCode
                    (concat "Code: " userCode (and end (format-time-string ", good until %R" end)))
                  "Paste an address with M-x codex-auth-paste; for a code, M-x codex-auth-sign-in.")
                "\nC-c RET opens the page if none opens; M-x codex-auth-cancel ends the sign-in.\n")
        (save-excursion (insert (or completeUrl url) "\n")))
      (visual-line-mode) (goto-address-mode)
      ;; Over SSH a page would open on the wrong machine, and a code has to be seen first.
      (unless (or userCode (getenv "SSH_CONNECTION" (selected-frame)))
        (with-demoted-errors "No page was opened: %S" (browse-url url))))))

(defun codex-auth--ask (prompt)
  "Read with PROMPT what nobody may see, in the record of keys of Emacs 28 neither."
  (unwind-protect (read-passwd (concat prompt ": ")) (clear-this-command-keys)))

(defun codex-auth-sign-in ()
  "Sign in to Codex, in one of the ways that the server offers here."
  (interactive)
  (codex-auth--start)
  (when codex-auth--requests ; else it was said why
    (let* ((methods (plist-get (jsonrpc-request codex-auth--connection 'auth/methods nil) :methods))
           (usable (seq-filter (lambda (one) (eq (plist-get one :available) t)) methods))
           (way (pcase-lambda ((map :title :description) at) (list (+ ?1 at) title description)))
           (choice (read-multiple-choice "Sign in to Codex: " (seq-map-indexed way usable)))
           (method (plist-get (nth (- (car choice) ?1) usable) :id))
           (prompt "API key, from https://platform.openai.com/api-keys (billed at API rates)")
           (key (and (equal method "apiKey") (list :apiKey (codex-auth--ask prompt)))))
      (codex-auth--end-attempt codex-auth--attempt)
      (setq codex-auth--attempt (format "emacs.%d.%d" (emacs-pid) (random most-positive-fixnum)))
      (codex-auth--request
       'auth/login `(:method ,method :attemptId ,codex-auth--attempt ,@key)
       (pcase-lambda ((map :message :links)) (codex-auth--tell message links))))))
(defun codex-auth-paste ()
  "Hand in the address of a page that a browser elsewhere could not load."
  (interactive)
  (unless codex-auth--attempt (user-error "No sign-in waits; M-x codex-auth-sign-in begins one"))
  (codex-auth--request 'auth/submitCallback
                       (list :url (codex-auth--ask "Whole address of that page"))))
(defun codex-auth-cancel ()
  "End the sign-in that waits."
  (interactive)
  (unless codex-auth--attempt (user-error "No sign-in waits; M-x codex-auth-sign-in begins one"))
  (codex-auth--request 'auth/cancelLogin nil))
(defun codex-auth-sign-out ()
  "Sign out of Codex on this machine, the Codex CLI included."
  (interactive)
  (codex-auth--request 'workspace/executeCommand '(:command "codexAuth.signOut")))
(defun codex-auth-status ()
  "Say who is signed in to Codex."
  (interactive)
  (codex-auth--request 'workspace/executeCommand '(:command "codexAuth.status")))

(defun codex-auth-mode-line ()
  "Return who is signed in, in a word or two."
  (pcase-let (((map :state :pendingLogin :method :account (:store (map :health :backend))
                    (:provider (map :ready)) (:lastError (map :kind)))
               codex-auth--status))
    (format " [Codex: %s]"
            (pcase state
              ((guard (not codex-auth--connection)) "Stopped") ('nil "…")
              ((guard pendingLogin) "Signing in…")
              ("signedOut" "Signed Out") ("needsReauth" "Sign In Again")
              ((and "signedIn" (guard (equal kind "providerUnknown"))) "Provider Unknown")
              ("signedIn" (string-replace "%" "%%" (map-elt account :label "Signed In")))
              ((and "notRequired" (guard (equal method "environmentKey")))
               (if (eq ready :json-false) "Key Not Set" "Environment Key"))
              ("notRequired" (if (eq ready :json-false) "Provider Not Ready" "No Sign-In Needed"))
              ((guard (equal health "locked")) "Keyring Locked")
              ((guard (equal (list kind backend) '("configurationInvalid" "none")))
               "config.toml Unusable")
              (_ "Login Unreadable")))))
(define-minor-mode codex-auth-mode
  "Show in the mode line who is signed in to Codex."
  :global t :group 'tools
  (add-to-list 'mode-line-misc-info '(codex-auth-mode (:eval (codex-auth-mode-line))))
  (cond (codex-auth-mode (codex-auth--start))
        (codex-auth--connection (process-send-eof (jsonrpc--process codex-auth--connection)))))
(provide 'codex-auth)
;;; codex-auth.el ends here
