/**
 * Ports that are free: the usual one where it can be had, else one nearby, and the sentence that says so. Seeds and
 * bookmarks name the usual ones, so whoever gets another must be told.
 */
import * as Effect from "effect/Effect"
import { createServer } from "node:net"

export interface Wanted {
  /** "dashboard": begins the sentence. */
  readonly name: string
  readonly port: number
}

export interface Port extends Wanted {
  readonly port: number
  /** Absent: it is the one that was wanted. */
  readonly moved?: string
}

export const LOOPBACK = "127.0.0.1"
/** 8080 becomes 8180, 8280 and so on: recognisable, and no neighbour of ours. */
const STEP = 100
const TRIES = 9
export const PORT_MAX = 65_535

/** What speaks against this port now; undefined when nothing does. 0 asks for any that is free. */
export type Probe = (port: number) => Effect.Effect<{ readonly port: number } | { readonly code: string }>

/** Listens for a moment: the only question about a port that has an answer. */
export const probe: Probe = (port) =>
  Effect.callback((resume) => {
    const server = createServer()
    server.once("error", (error) => resume(Effect.succeed({ code: "code" in error ? String(error.code) : "unknown" })))
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => {
      const address = server.address()
      server.close(() =>
        resume(Effect.succeed({ port: typeof address === "object" && address !== null ? address.port : port }))
      )
    })
  })

const because = (code: string): string =>
  code === "EADDRINUSE"
    ? "another program listens there"
    : code === "EACCES"
      ? "this user may not listen there"
      : `it cannot be had (${code})`

/** All at once, so that no two get the same. */
export const freePorts = Effect.fn("dev.freePorts")(function* <Name extends string>(
  wanted: Readonly<Record<Name, Wanted>>,
  ask: Probe = probe
) {
  const taken = new Set<number>()
  const find = Effect.fnUntraced(function* ({ name, port }: Wanted) {
    const candidates = Array.from({ length: TRIES + 1 }, (_, index) => port + index * STEP)
    let why: string | undefined
    for (const candidate of [...candidates.filter((each) => each <= PORT_MAX && !taken.has(each)), 0]) {
      const found = yield* ask(candidate)
      if ("code" in found) {
        why ??= because(found.code)
        continue
      }
      if (taken.has(found.port)) continue
      taken.add(found.port)
      if (port === 0 || found.port === port) return { name, port: found.port }
      return {
        name,
        port: found.port,
        moved: `${name}: ${found.port} instead of ${port}: ${why ?? "it is ours already"}`
      }
    }
    return { name, port }
  })
  const found = new Map<string, Port>()
  for (const key of Object.keys(wanted)) found.set(key, yield* find(wanted[key as Name]))
  // One entry for each key of what was wanted, made in the line above.
  return Object.fromEntries(found) as Record<Name, Port>
})
