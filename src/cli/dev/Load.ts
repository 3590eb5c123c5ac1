/** The port to what drives the demo: whoever asks for load, over HTTP or in a scenario, asks here. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

export interface Wave {
  /** `spike`, or `spike:height=6`: a pattern of src/workload, made to fit the time. */
  readonly pattern: string
  readonly seconds: number
  /** Where to: "http", "cpu", or a workload by its name. */
  readonly target: string
  /** Percent of what a handful of pods can do. */
  readonly intensity: number
}

/** A wave that has begun, as it is told to whoever asked for it. */
export interface Begun extends Wave {
  readonly service: string
  readonly namespace: string
  /** "about 320 requests a second more". */
  readonly level: string
  readonly until: number
}

export class LoadRefused extends Schema.TaggedError<LoadRefused>()("LoadRefused", { detail: Schema.String }) {
  override get message() {
    return this.detail
  }
}

export interface LoadTarget {
  readonly name: string
  readonly says: string
}

export class Load extends Context.Service<
  Load,
  {
    readonly targets: ReadonlyArray<LoadTarget>
    readonly begin: (wave: Wave) => Effect.Effect<Begun, LoadRefused>
    readonly running: Effect.Effect<ReadonlyArray<Begun>>
    /** How many were running. */
    readonly stop: Effect.Effect<number>
  }
>()("nimbusguard/cli/dev/Load") {}
