// Who set the replicas of a Deployment to what, by the API server's own audit log, and what operators say they did: the
// two must agree, change by change, whoever died in between.
import type { Status } from "#schemas/Status"
import type { AuditEvent, Cluster } from "#test/controlplane/Cluster"
import { sleep } from "#test/controlplane/eventually"
import type { ActivityEntry, OperatorProcess } from "./OperatorProcess.ts"
import { type Followed, scaleWrites } from "./policies.ts"

/** One change of spec.replicas that really happened. */
export interface Change {
  readonly move: string
  readonly user: string
  /** When the API server had done it. */
  readonly atMillis: number
}

interface ScaleBody {
  readonly metadata?: { readonly resourceVersion?: string }
  readonly spec?: { readonly replicas?: number }
}

const versionOf = ({ responseObject }: AuditEvent): bigint =>
  BigInt((responseObject as ScaleBody | undefined)?.metadata?.resourceVersion ?? "0")

/** Every change since the Deployment was created with so many replicas, oldest first. A write of what there is, is none. */
export const changesOf = async (
  cluster: Cluster,
  namespace: string,
  deployment: string,
  initial: number
): Promise<ReadonlyArray<Change>> => {
  const writes = await scaleWrites(cluster, namespace, deployment)
  let replicas = initial
  return writes
    .toSorted((left, right) => (versionOf(left) < versionOf(right) ? -1 : 1))
    .flatMap((event) => {
      const to = (event.responseObject as ScaleBody | undefined)?.spec?.replicas ?? 0
      const move = `${replicas}->${to}`
      if (to === replicas) return []
      replicas = to
      return [{ move, user: event.user.username, atMillis: Date.parse(event.stageTimestamp) }]
    })
}

/** What is said of a policy's target: by operators, some of which will die, and in status, which keeps ten decisions. */
export class Testimony {
  readonly #policy: Followed
  readonly #deployment: string
  readonly #entries = new Map<string, ActivityEntry>()
  readonly #told = new Map<string, string>()
  readonly #reading: Promise<void>
  #isOver = false

  constructor(policy: Followed, deployment = policy.name) {
    this.#policy = policy
    this.#deployment = deployment
    this.#reading = this.#follow()
  }

  async #follow(): Promise<void> {
    while (!this.#isOver) {
      await this.#read()
      await sleep(500)
    }
  }

  async #read(): Promise<void> {
    // An API server that is away says nothing, and nothing is missed.
    const status = await this.#policy.status().catch((): Status => ({}))
    for (const { at, from, outcome, to } of status.decisions?.toReversed() ?? []) {
      if (ACCOUNTS.has(outcome)) this.#told.set(`${at} ${from}->${to}`, `${from}->${to}`)
    }
  }

  /** Asks operators that still live. */
  async hear(...operators: ReadonlyArray<OperatorProcess>): Promise<void> {
    for (const operator of operators) {
      const entries = await operator.activityOf(this.#policy.namespace, this.#deployment)
      for (const entry of entries) if (ACCOUNTS.has(entry.outcome)) this.#entries.set(entry.id, entry)
    }
  }

  /** Nothing is to follow. */
  async close(...operators: ReadonlyArray<OperatorProcess>): Promise<void> {
    await this.hear(...operators)
    this.#isOver = true
    await this.#reading
    await this.#read()
  }

  get #oldestFirst(): ReadonlyArray<ActivityEntry> {
    return [...this.#entries.values()].toSorted((a, b) => Date.parse(a.timestamp) - Date.parse(b.timestamp))
  }

  get outcomes(): ReadonlyArray<string> {
    return this.#oldestFirst.map(({ outcome }) => outcome)
  }

  get moves(): ReadonlyArray<string> {
    return this.#oldestFirst.map(({ newReplicas, oldReplicas }) => `${oldReplicas}->${newReplicas}`)
  }

  get movesInStatus(): ReadonlyArray<string> {
    return [...this.#told.values()]
  }
}

/** What speaks of a write that happened. */
const ACCOUNTS: ReadonlySet<string> = new Set(["Scaled", "Recovered"])
