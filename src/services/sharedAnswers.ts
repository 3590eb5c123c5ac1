/** One request for all who ask the same within a moment, whichever policies they are. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { keptAnswers } from "#services/keptAnswers"

/** Half of the shortest interval: a tick never sees the answer that the tick before it saw. */
export const SHARED_MILLIS = 500
export const QUESTIONS_MAX = 1024

export interface Sharing<A> {
  /** Questions whose answers are held at once. */
  readonly capacity?: number
  /** False of an answer that is too large: it is shared while it is on its way, and not kept. */
  readonly keeps?: (answer: A) => boolean
}

/** `ask`, for questions that are the same when their JSON is. */
export const sharedAnswers = <Question, A, E>(
  ask: (question: Question) => Effect.Effect<A, E>,
  { capacity = QUESTIONS_MAX, keeps = () => true }: Sharing<A> = {}
) =>
  Effect.map(
    keptAnswers({
      capacity,
      lookup: (key: string) => ask(JSON.parse(key) as Question),
      timeToLive: (exit: Exit.Exit<A, E>) => (Exit.isSuccess(exit) && !keeps(exit.value) ? 0 : SHARED_MILLIS)
    }),
    (kept) => (question: Question) => kept.get(JSON.stringify(question))
  )
