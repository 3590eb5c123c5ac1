/** What the pages and the events endpoint need of the running operator, besides its ledger and its health. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"

export interface Leadership {
  readonly leading: boolean
  /** Who holds the Lease, as far as this process knows. */
  readonly holder: string | undefined
}

export class Operations extends Context.Service<
  Operations,
  {
    readonly version: string
    readonly leadership: Effect.Effect<Leadership>
    /** Asks the policy to look now. False: it has no actor here. */
    readonly wake: (uid: string, cause: string) => Effect.Effect<boolean>
  }
>()("nimbusguard/dashboard/Operations") {}
