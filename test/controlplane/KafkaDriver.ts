// Kafka's own client, kept running beside a test: what is produced, committed and allowed is the real client's doing.
import { type ChildProcess, spawn } from "node:child_process"
import { join } from "node:path"
import { createInterface } from "node:readline"

const source = join(import.meta.dirname, "kafka", "Driver.java")

export class KafkaDriver {
  readonly #child: ChildProcess
  readonly #waiting: Array<(answer: string) => void> = []
  #complaints = ""

  private constructor(child: ChildProcess) {
    this.#child = child
    if (child.stdout !== null) {
      createInterface({ input: child.stdout }).on("line", (line) => this.#waiting.shift()?.(line))
    }
    child.stderr?.on("data", (chunk: Buffer) => {
      this.#complaints = (this.#complaints + chunk.toString()).slice(-2000)
    })
    child.once("close", (code) => {
      for (const tell of this.#waiting.splice(0)) {
        tell(`error the driver ended with code ${code}: ${this.#complaints}`)
      }
    })
  }

  /** `program` runs a class, or a source file, with Kafka's jars. */
  static start(program: string, servers: string): KafkaDriver {
    return new KafkaDriver(spawn(program, [source, servers], { stdio: ["pipe", "pipe", "pipe"] }))
  }

  /** The commands are those of kafka/Driver.java. */
  async do(...words: ReadonlyArray<string | number>): Promise<string> {
    const answer = await new Promise<string>((resolve) => {
      this.#waiting.push(resolve)
      this.#child.stdin?.write(`${words.join(" ")}\n`)
    })
    if (!answer.startsWith("ok ")) throw new Error(`${words.join(" ")}: ${answer}`)
    return answer.slice(3)
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const closed = new Promise<void>((resolve) => this.#child.once("close", () => resolve()))
    this.#child.kill("SIGKILL")
    await closed
  }
}
