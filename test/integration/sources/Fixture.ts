// What the contract suite needs to know about one source: see the top of contract.test.ts. And the cells that come out
// alike for everybody: what a wire does to any protocol, and what HTTP statuses mean.
import type { Layer } from "effect"
import type { Signal } from "#schemas/Policy"
import type { MissingReason } from "#schemas/Reading"
import type { Kubernetes } from "#services/Kubernetes"
import type { BoundInput } from "#sources/index"
import type { FaultProxy } from "#test/controlplane/FaultProxy"
import type { Need } from "#test/controlplane/suite"
import type { WireFault, WireProxy } from "#test/controlplane/WireProxy"

export const WIRE_FAILURES = ["refused", "reset", "timeout", "slowBody", "truncated"] as const
export const STATUS_FAILURES = ["401", "403", "404", "429", "500"] as const
export const VALUE_FAILURES = ["wrongType", "NaN", "Inf", "empty", "negative", "overflow", "stale"] as const
export const FAILURES = [...WIRE_FAILURES, ...STATUS_FAILURES, ...VALUE_FAILURES] as const
export type FailureName = (typeof FAILURES)[number]

type Why = MissingReason | "Stale"

/** A failure that is injected, and what must come of it. */
export interface Injected {
  /** What the reading may be: these reasons of a Missing, or Stale. */
  readonly gives: Why | ReadonlyArray<Why>
  /** Found in the reading's detail: the words that tell a person what to do. */
  readonly remedy: RegExp
  /** Brings the failure about. What it returns takes it away again. */
  readonly inject?: () => Promise<() => unknown> | (() => unknown)
  /** Options that differ from the healthy ones meanwhile: another query, another key. */
  readonly options?: object
  /** What else of the signal differs meanwhile. */
  readonly signal?: Partial<Signal>
}

/** A cell of the table: a failure, or the reason why this protocol cannot express it. */
export type Cell = Injected | { readonly empty: string }

export interface RunningFixture {
  /** The source's options, in the encoded form, by way of the wire proxy. */
  readonly options: object
  readonly signal?: Partial<Signal>
  readonly input?: Partial<BoundInput>
  /** What is measured while all is well. */
  readonly healthy: number
  /** Secrets of the namespace `shop`, by name and key; their values must never be seen in a log, span or reading. */
  readonly secrets?: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** Absent: a Kubernetes that serves those Secrets and nothing else. */
  readonly kubernetes?: Layer.Layer<Kubernetes>
  readonly cells: Readonly<Record<FailureName, Cell>>
  readonly stop: () => Promise<void>
}

export interface SourceFixture {
  readonly needs: ReadonlyArray<Need>
  /** Starts the real server, tells `wire.connectTo` its port, and puts the healthy number there. */
  readonly start: (wire: WireProxy) => Promise<RunningFixture>
}

/** The usual outcome of a broken wire; a protocol in which it comes out otherwise overrides the cell. */
export const wireCells = (wire: WireProxy): Readonly<Record<(typeof WIRE_FAILURES)[number], Injected>> => {
  const cell = (fault: WireFault, gives: ReadonlyArray<Why>, remedy: RegExp): Injected => ({
    gives,
    remedy,
    inject: async () => {
      await wire.inject(fault)
      return () => wire.heal()
    }
  })
  return {
    refused: cell("refused", ["Unreachable"], /Check the address, that the server runs/u),
    reset: cell("reset", ["Unreachable"], /Check the address, that the server runs/u),
    timeout: cell("timeout", ["Timeout"], /Check that the server is up/u),
    slowBody: cell("slowBody", ["Timeout"], /Check that the server is up/u),
    truncated: cell("truncated", ["Malformed", "Unreachable"], /Check /u)
  }
}

/** A source that speaks HTTP, whose wire leads through this proxy: every request is answered like this instead. */
export const answering = (http: FaultProxy, status: number, body?: unknown): (() => () => void) => {
  const fault = { kind: "reply", status, ...(body === undefined ? {} : { body }) } as const
  return () => {
    const injection = http.inject({ times: Infinity, fault })
    return () => injection.remove()
  }
}

export const statusCells = (http: FaultProxy): Readonly<Record<(typeof STATUS_FAILURES)[number], Injected>> => ({
  401: { gives: "Unauthorized", remedy: /Give valid credentials/u, inject: answering(http, 401, "who are you") },
  403: { gives: "Forbidden", remedy: /Let these credentials read there/u, inject: answering(http, 403, "not you") },
  404: { gives: "NotFound", remedy: /Check the path/u, inject: answering(http, 404, "not here") },
  429: { gives: "Throttled", remedy: /Ask less often/u, inject: answering(http, 429, "not now") },
  500: { gives: "HttpStatus", remedy: /server's own log/u, inject: answering(http, 500, "oh no") }
})
