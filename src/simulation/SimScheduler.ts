/**
 * One ready list for all fibers of a simulation. Chance decides which ready task runs next and where a
 * running fiber is pre-empted, so that a seed stands for one interleaving of the whole program.
 */
import type * as Fiber from "effect/Fiber"
import type * as Scheduler from "effect/Scheduler"
import type { Prng } from "#simulation/Prng"

type Task = () => void

/** Probabilities, because Effect resumes a waiter inside its waker's stack: without them it would always go first. */
export interface Preemption {
  /** Between two operations of a running fiber. */
  readonly between: number
  /** Before the first operation of a fiber that another fiber resumed (Deferred, Queue, interrupt). */
  readonly onWake: number
}

export class SimScheduler implements Scheduler.Scheduler, Scheduler.SchedulerDispatcher {
  readonly executionMode = "async"
  /** Every decision of the scheduler, folded: two runs with equal digests interleaved alike. */
  digest = 0
  tasks = 0
  operations = 0
  preemptions = 0

  readonly #prng: Prng
  readonly #preemption: Preemption
  readonly #ordinary: Array<Task> = []
  readonly #ready = new Map<number, Array<Task>>([[0, this.#ordinary]])
  #size = 0
  /** The running task was chosen by chance already: parking it again at its first operation would decide nothing. */
  #fresh = false
  #closed = false

  constructor(prng: Prng, preemption: Preemption) {
    this.#prng = prng
    this.#preemption = preemption
  }

  get size(): number {
    return this.#size
  }

  makeDispatcher(): Scheduler.SchedulerDispatcher {
    return this
  }

  scheduleTask(task: Task, priority: number): void {
    if (this.#closed) return
    const tasks = this.#ready.get(priority)
    if (tasks === undefined) this.#ready.set(priority, [task])
    else tasks.push(task)
    this.#size++
  }

  shouldYield(fiber: Fiber.Fiber<unknown, unknown>): boolean {
    if (this.#closed) return true
    this.operations++
    const fresh = this.#fresh
    this.#fresh = false
    if (fiber.currentOpCount > 1) {
      const spent = fiber.currentOpCount >= fiber.cache.maxOpsBeforeYield
      if (!spent && !this.#prng.chance(this.#preemption.between)) return false
    } else if (fresh || isInterrupted(fiber) || !this.#prng.chance(this.#preemption.onWake)) {
      return false
    }
    this.preemptions++
    this.#fold(this.operations)
    return true
  }

  /** Runs one ready task, chosen by chance among those of the most urgent priority. False when none is ready. */
  step(): boolean {
    if (this.#size === 0) return false
    const ready = this.#mostUrgent()
    const index = ready.length === 1 ? 0 : this.#prng.below(ready.length)
    this.#fold(index * 65_537 + ready.length)
    const task = take(ready, index)
    this.#size--
    this.tasks++
    this.#fresh = true
    task()
    return true
  }

  flush(): void {
    while (this.step());
  }

  /** A late callback must not wake a dead world: from now on every fiber parks at its next operation. */
  close(): void {
    this.#closed = true
    this.#size = 0
    for (const tasks of this.#ready.values()) tasks.length = 0
  }

  #mostUrgent(): Array<Task> {
    let best = this.#ordinary
    if (this.#ready.size === 1) return best
    let bestPriority = Infinity
    for (const [priority, tasks] of this.#ready) {
      if (tasks.length === 0 || priority >= bestPriority) continue
      best = tasks
      bestPriority = priority
    }
    return best
  }

  #fold(value: number): void {
    this.digest = Math.imul(this.digest ^ value, 16777619) >>> 0
  }
}

/**
 * A fiber that is interrupted before its start is ended there and then by Effect. Parked instead, it would be started
 * after all by the task that still waits for it, and the interruption would be lost.
 */
const isInterrupted = (fiber: object): boolean => "_interruptedCause" in fiber && fiber._interruptedCause !== undefined

/** In constant time: order within the list means nothing, since chance reads it. */
const take = (tasks: Array<Task>, index: number): Task => {
  const last = tasks.pop()
  if (last === undefined) throw new Error("SimScheduler: a task was taken from an empty ready list")
  const chosen = tasks[index]
  if (chosen === undefined) return last
  tasks[index] = last
  return chosen
}
