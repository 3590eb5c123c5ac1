/**
 * Keeps real time, real chance and the event loop out of a simulation. A run is one synchronous call, so for
 * its duration the globals through which they leak in can be swapped without anyone else noticing.
 *
 * Time and chance become virtual. The event loop is reported and goes nowhere: throwing instead would surface
 * as an unhandled rejection inside Node's own stream code. The stand-ins outlive the swap, because a
 * Context.Reference may keep the first one it sees (FetchHttpClient.Fetch does), so each asks `current`.
 * `current` is the one module-level variable here, for globals are one per process too.
 */
import nodeCrypto from "node:crypto"
import { syncBuiltinESMExports } from "node:module"
import nodeTimers from "node:timers"
import { promiseHooks } from "node:v8"
import type { Prng } from "#simulation/Prng"

export interface Escape {
  readonly api: string
  readonly stack: string
}

export interface Options {
  readonly nowMillis: () => number
  readonly prng: Prng
  readonly onEscape: (escape: Escape) => void
}

interface Guarded extends Options {
  readonly epochMillis: number
}

type Arguments = ReadonlyArray<unknown>
type Inside = (guarded: Guarded, args: Arguments) => unknown

interface Swap {
  readonly target: object
  readonly key: string
  readonly original: PropertyDescriptor | undefined
  readonly standIn: unknown
}

let current: Guarded | undefined

const swaps: Array<Swap> = []

/** Swaps until disposed. Nests: a simulation started inside a simulation hands the globals back to the outer one. */
export const install = (options: Options): Disposable => {
  const previous = current
  current = { ...options, epochMillis: options.nowMillis() }
  const stopPromises = previous === undefined ? swapAll() : undefined
  return {
    [Symbol.dispose]: () => {
      current = previous
      if (stopPromises !== undefined) restoreAll(stopPromises)
    }
  }
}

const swapAll = (): (() => void) => {
  for (const { target, key, standIn } of swaps) {
    Object.defineProperty(target, key, { value: standIn, configurable: true, writable: true })
  }
  syncBuiltinESMExports() // named imports of built-in modules follow
  // `await` never calls `then`, so an async function that nobody waits for is seen only here.
  return promiseHooks.onInit(reportPromise) as () => void
}

const restoreAll = (stopPromises: () => void): void => {
  stopPromises()
  for (const { target, key, original } of swaps) {
    if (original === undefined) Reflect.deleteProperty(target, key)
    else Object.defineProperty(target, key, original)
  }
  syncBuiltinESMExports()
}

const report = (api: string): void => current?.onEscape({ api, stack: deepStack(`${api} used inside a simulation`) })

/** Node loads parts of itself when they are first touched (`Response` is one), which makes promises and is no escape. */
const reportPromise = (): void => {
  const stack = deepStack("Promise made inside a simulation")
  if (!stack.includes("compileForInternalLoader")) current?.onEscape({ api: "Promise", stack })
}

/** Effect's own frames alone fill the usual ten, and the culprit lies below them. */
const deepStack = (message: string): string => {
  const usual = Error.stackTraceLimit
  Error.stackTraceLimit = 60
  const { stack } = new Error(message)
  Error.stackTraceLimit = usual
  return stack ?? message
}

const register = (target: object, key: string, standIn: unknown): void => {
  swaps.push({ target, key, standIn, original: Object.getOwnPropertyDescriptor(target, key) })
}

const virtual = (target: object, key: string, inside: Inside): void => {
  const original: unknown = Reflect.get(target, key)
  if (typeof original !== "function") throw new Error(`EscapeGuard: ${key} is not a function on this Node`)
  register(target, key, function (this: unknown, ...args: Arguments): unknown {
    return current === undefined ? Reflect.apply(original, this, args) : inside(current, args)
  })
}

const forbid = (target: object, key: string, api: string, inert: () => unknown): void =>
  virtual(target, key, () => {
    report(api)
    return inert()
  })

const never = (): unknown => new Promise(() => {})
const nothing = (): unknown => undefined
const inertTimer = (): unknown => ({
  ref: nothing,
  unref: nothing,
  hasRef: () => false,
  [Symbol.toPrimitive]: () => 0
})

for (const key of ["setTimeout", "setInterval", "setImmediate"]) {
  forbid(globalThis, key, key, inertTimer)
  forbid(nodeTimers, key, `node:timers ${key}`, inertTimer)
}
forbid(globalThis, "queueMicrotask", "queueMicrotask", nothing)
forbid(globalThis, "fetch", "fetch", never)
forbid(AbortSignal, "timeout", "AbortSignal.timeout", () => new AbortController().signal)
forbid(Promise.prototype, "then", "Promise.then", never)

const uuid: Inside = ({ prng }) => `${prng.hex(8)}-${prng.hex(4)}-4${prng.hex(3)}-8${prng.hex(3)}-${prng.hex(12)}`

virtual(Math, "random", ({ prng }) => prng.nextDoubleUnsafe())
virtual(performance, "now", ({ epochMillis, nowMillis }) => nowMillis() - epochMillis)
virtual(nodeCrypto, "randomUUID", uuid)
virtual(globalThis.crypto, "randomUUID", uuid)
virtual(nodeCrypto, "randomBytes", ({ prng }, [size]) => Buffer.from(prng.hex(Number(size) * 2), "hex"))
virtual(globalThis.crypto, "getRandomValues", ({ prng }, [array]) => {
  if (!ArrayBuffer.isView(array)) throw new TypeError("getRandomValues wants a typed array")
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
  for (let index = 0; index < bytes.length; index++) bytes[index] = prng.below(256)
  return array
})

const RealDate = Date
const realHrtime = process.hrtime
const wallMillis = () => (current === undefined ? RealDate.now() : current.nowMillis())

register(
  globalThis,
  "Date",
  new Proxy(RealDate, {
    construct: (target, args: Array<unknown>, newTarget) => {
      // The most frequent by far, and reflection is slow.
      if (newTarget === Date && args.length < 2)
        return new RealDate(args.length === 0 ? wallMillis() : (args[0] as number))
      return Reflect.construct(target, args.length === 0 ? [wallMillis()] : args, newTarget) as Date
    },
    apply: () => new RealDate(wallMillis()).toString(),
    get: (target, key) => (key === "now" ? wallMillis : (Reflect.get(target, key) as unknown))
  })
)
register(
  process,
  "hrtime",
  Object.assign(
    (from?: [number, number]): [number, number] => {
      if (current === undefined) return realHrtime(from)
      const [seconds, nanos] = from ?? [0, 0]
      const elapsedMillis = current.nowMillis() - current.epochMillis - seconds * 1000 - nanos / 1e6
      return [Math.floor(elapsedMillis / 1000), (elapsedMillis % 1000) * 1e6]
    },
    {
      bigint: (): bigint =>
        current === undefined ? realHrtime.bigint() : BigInt(current.nowMillis() - current.epochMillis) * 1_000_000n
    }
  )
)
