// Stands in for `@vscode/spdlog`, through which VS Code writes its log files. npm has that module
// as C++ source only; this one writes the same files with no compiler, and never rotates them.

const { appendFileSync, mkdirSync } = require("node:fs");
const { dirname } = require("node:path");

const LEVELS = ["trace", "debug", "info", "warn", "error", "critical"];

class Logger {
  #level = LEVELS.indexOf("info");
  #bare = false;

  constructor(path) {
    mkdirSync(dirname(path), { recursive: true });
    LEVELS.forEach((name, level) => {
      this[name] = (message) => {
        if (level < this.#level) return;
        const line = this.#bare ? message : `${new Date().toISOString()} [${name}] ${message}\n`;
        appendFileSync(path, line);
      };
    });
  }

  getLevel() { return this.#level; }
  setLevel(level) { this.#level = level; }
  clearFormatters() { this.#bare = true; }
  setPattern() { this.#bare = false; }
  flush() {}
  drop() {}
}

exports.version = 0;
exports.Logger = Logger;
exports.createRotatingLogger = async (name, path) => new Logger(path);
exports.createAsyncRotatingLogger = exports.createRotatingLogger;
exports.setLevel = () => {};
exports.setFlushOn = () => {};
