// Page worlds of one test: opened as they are needed, closed with it.
import { Effect, Exit, Scope } from "effect"
import { onTestFinished } from "vitest"
import { openPageWorld, type PageWorld, type PageWorldInput } from "#test/e2e/PageWorld"

export interface OpenWorld extends PageWorld {
  readonly close: () => Promise<void>
}

export const open = async (input: PageWorldInput = {}): Promise<OpenWorld> => {
  const scope = Effect.runSync(Scope.make())
  const world = await Effect.runPromise(Effect.provideService(openPageWorld(input), Scope.Scope, scope))
  let closed = false
  const close = async () => {
    if (closed) return
    closed = true
    await Effect.runPromise(Scope.close(scope, Exit.void))
  }
  onTestFinished(close)
  return { ...world, close }
}
