/**
 * Effect.fn for what every tick runs through: a span of that name where spans are collected, and where nobody
 * collects them nothing at all. A span that nobody looks at costs more than many of the steps that it would tell of.
 */
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import type * as Tracer from "effect/Tracer"

type Call = (...args: ReadonlyArray<unknown>) => Effect.Effect<unknown>
type Make = (...parts: ReadonlyArray<unknown>) => Call

/** To be read as `Effect.withSpan(name, options)`. */
export const tracedAs =
  (name: string, options: Tracer.SpanOptionsNoTrace) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.withFiber((fiber) => (fiber.getRef(References.TracerEnabled) ? Effect.withSpan(self, name, options) : self))

/** To be read as `Effect.annotateCurrentSpan`, of what is worth finding out only for somebody who looks. */
export const annotated = (attributes: () => Readonly<Record<string, unknown>>): Effect.Effect<void> =>
  Effect.withFiber((fiber) =>
    fiber.getRef(References.TracerEnabled) ? Effect.annotateCurrentSpan(attributes()) : Effect.void
  )

/** To be read as `Effect.fn(name)`. */
export const traced = (name: string): Effect.fn.Traced => {
  // Both make functions of the same type from the same parts; only the name of that type is too long to be said here.
  const makeSpanned = Effect.fn(name) as unknown as Make
  const makePlain = Effect.fnUntraced as unknown as Make
  const make: Make = (...parts) => {
    const spanned = makeSpanned(...parts)
    const plain = makePlain(...parts)
    return (...args) => Effect.withFiber((fiber) => (fiber.getRef(References.TracerEnabled) ? spanned : plain)(...args))
  }
  return make as unknown as Effect.fn.Traced
}
