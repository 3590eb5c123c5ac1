// Owns the processes of one server or one control plane: a temporary folder, their logs, free ports, and the promise
// that nothing outlives the test. A small shell holds the other end of a pipe; when this process ends for any reason,
// kill -9 included, the pipe closes and the shell kills what is left and removes the folder.
import { type ChildProcess, spawn } from "node:child_process"
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { eventually } from "./eventually.ts"

const watchdog = `
trap '' INT TERM HUP
pids=
while read -r verb pid; do
  case $verb in
    add) pids="$pids $pid" ;;
    forget) rest=; for each in $pids; do [ "$each" = "$pid" ] || rest="$rest $each"; done; pids=$rest ;;
    release) exit 0 ;;
  esac
done
for each in $pids; do kill -9 "$each" 2>/dev/null; done
[ -n "$2" ] || rm -rf "$1"
`

/** `KEEP_LOGS=1` leaves the temporary folders (logs, audit log, data) where they are. */
const keepsFolders = (process.env["KEEP_LOGS"] ?? "") !== ""

/** On every address, as the operator listens, so that nobody else's server on one of them is in the way. */
const canListen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once("error", () => resolve(false))
    server.listen(port, () => server.close(() => resolve(true)))
  })

const claims = join(tmpdir(), "nimbusguard-test-ports")

const lives = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/**
 * Test files run side by side, and a port that was just found is bound moments later: until its claimant ends it is
 * nobody else's, here or in another process of tests.
 */
const claim = (port: number): boolean => {
  mkdirSync(claims, { recursive: true })
  const path = join(claims, String(port))
  try {
    writeFileSync(path, String(process.pid), { flag: "wx" })
    return true
  } catch {
    const holder = existsSync(path) ? Number(readFileSync(path, "utf8")) : 0
    if (holder > 0 && !lives(holder)) rmSync(path, { force: true }) // for the next who comes by
    return false
  }
}

/**
 * A port below the range that outgoing connections take theirs from: a killed server must find its port free again when
 * it comes back.
 */
export const freePort = async (): Promise<number> => {
  for (let tries = 0; tries < 200; tries += 1) {
    const port = 10_000 + Math.floor(Math.random() * 22_000)
    if (claim(port) && (await canListen(port))) return port
  }
  throw new Error("found no free port between 10000 and 32000")
}

/** Where there is no /proc, the signal's word is taken for it. */
const standsStill = (pid: number): boolean => {
  const tasks = `/proc/${pid}/task`
  if (!existsSync(tasks)) return true
  return readdirSync(tasks).every((task) => {
    const path = join(tasks, task, "status")
    return !existsSync(path) || /^State:\s*[TZX]/mu.test(readFileSync(path, "utf8"))
  })
}

export interface Launch {
  readonly name: string
  readonly program: string
  readonly args: ReadonlyArray<string>
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** One running program. */
export class ServerProcess {
  readonly launch: Launch
  readonly logPath: string
  readonly child: ChildProcess
  readonly exited: Promise<Exit>
  exit: Exit | undefined

  constructor(launch: Launch, logPath: string, child: ChildProcess) {
    this.launch = launch
    this.logPath = logPath
    this.child = child
    this.exited = new Promise((resolve) => {
      child.once("exit", (code, signal) => {
        this.exit = { code, signal }
        resolve(this.exit)
      })
      child.once("error", () => {
        this.exit ??= { code: 127, signal: null }
        resolve(this.exit)
      })
    })
  }

  get pid(): number {
    return this.child.pid ?? -1
  }

  /** Sends the signal; true when the process was still there. */
  signal(signal: NodeJS.Signals): boolean {
    return this.exit === undefined && this.child.kill(signal)
  }

  /**
   * SIGSTOP, and waits until every thread stands still: the signal is taken thread by thread, and an answer that was on
   * its way out would still be given.
   */
  async freeze(): Promise<void> {
    this.signal("SIGSTOP")
    await eventually(() => this.exit !== undefined || standsStill(this.pid), {
      what: `${this.launch.name} to stand still`,
      intervalMillis: 10
    })
  }

  thaw(): void {
    this.signal("SIGCONT")
  }

  /** SIGKILL, and waits until it is gone. */
  async kill(): Promise<void> {
    this.signal("SIGKILL")
    await this.exited
  }

  /** SIGTERM, then SIGKILL after the grace. */
  async stop(graceMillis = 10_000): Promise<Exit> {
    this.signal("SIGTERM")
    const timer = setTimeout(() => this.signal("SIGKILL"), graceMillis)
    const exit = await this.exited
    clearTimeout(timer)
    return exit
  }

  log(): string {
    return existsSync(this.logPath) ? readFileSync(this.logPath, "utf8") : ""
  }

  /** The end of the log, for the message of a failure. */
  tail(lines = 15): string {
    return this.log().trimEnd().split("\n").slice(-lines).join("\n")
  }

  /** Throws, with the end of the log, when the process is not running any more. */
  assertRunning(): void {
    if (this.exit === undefined) return
    const how = this.exit.signal === null ? `with code ${this.exit.code}` : `by ${this.exit.signal}`
    throw new Error(`${this.launch.name} ended ${how}:\n${this.tail()}`)
  }
}

export class ProcessGroup {
  readonly folder: string
  readonly #guard: ChildProcess
  readonly #processes = new Set<ServerProcess>()

  private constructor(folder: string, guard: ChildProcess) {
    this.folder = folder
    this.#guard = guard
  }

  static async open(name: string): Promise<ProcessGroup> {
    const folder = await mkdtemp(join(tmpdir(), `nimbusguard-${name}-`))
    const guard = spawn("/bin/sh", ["-c", watchdog, "nimbusguard-watchdog", folder, keepsFolders ? "keep" : ""], {
      stdio: ["pipe", "ignore", "ignore"],
      detached: true
    })
    guard.once("error", () => undefined)
    guard.stdin?.on("error", () => undefined)
    guard.unref()
    // The pipe must not keep this process alive: its closing is the signal.
    const pipe: unknown = guard.stdin
    if (pipe instanceof Object && "unref" in pipe && typeof pipe.unref === "function") pipe.unref()
    return new ProcessGroup(folder, guard)
  }

  path(...parts: ReadonlyArray<string>): string {
    return join(this.folder, ...parts)
  }

  /** Starts a program; its output goes to `<name>.log` in the folder, appended over restarts. */
  start(launch: Launch): ServerProcess {
    const logPath = this.path(`${launch.name}.log`)
    const log = openSync(logPath, "a")
    const child = spawn(launch.program, [...launch.args], {
      stdio: ["ignore", log, log],
      env: { ...process.env, ...launch.env },
      cwd: this.folder
    })
    closeSync(log)
    const server = new ServerProcess(launch, logPath, child)
    this.#processes.add(server)
    const pid = child.pid
    if (pid !== undefined) this.#guard.stdin?.write(`add ${pid}\n`)
    void server.exited.then(() => {
      this.#processes.delete(server)
      if (pid !== undefined) this.#guard.stdin?.write(`forget ${pid}\n`)
    })
    return server
  }

  /** Kills everything that still runs and removes the folder. */
  async close(): Promise<void> {
    await Promise.all([...this.#processes].map((server) => server.kill()))
    this.#guard.stdin?.end("release\n")
    if (keepsFolders) process.stderr.write(`KEEP_LOGS: logs are in ${this.folder}\n`)
    else await rm(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }
}
