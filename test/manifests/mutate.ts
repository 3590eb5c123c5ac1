// Objects that are almost right: a valid fixture with a few values changed, dropped, doubled or added, from a seed.
import type { Fixture } from "#test/manifests/fixtures"

type Json = { [key: string]: unknown }

/** Values that are wrong almost everywhere, each in its own way. */
const ODD: ReadonlyArray<unknown> = [
  ...[null, "", "x", "0", "1s", "2h", "500ms", "é<&>\u0001\u00a0", "10%", "a b", "A".repeat(300), "http://x"],
  ...[-1, 0, 1, 1.5, 2_147_483_648, 1e20, true, false, "Both", "Up", "Utilization", "Value", "2026-01-01T00:00:00Z"],
  ...[[], {}, ["x"], [1], [null], [{}], { a: 1 }]
]

const FIELDS = ["foo", "name", "type", "redis", "replicas", "query"]

const numbers = (seed: number) => {
  let state = seed
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32
    return state / 2 ** 32
  }
}

/** Every value of an object by the way to it, as the object and the key that hold it. */
const places = (value: unknown): ReadonlyArray<readonly [holder: Json, key: string]> =>
  typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([key, child]) => [[value as Json, key] as const, ...places(child)])
    : []

export const mutants = (fixtures: ReadonlyArray<Fixture>, seed: number, count: number): ReadonlyArray<Fixture> => {
  const next = numbers(seed)
  const pick = <A>(all: ReadonlyArray<A>): A => all[Math.floor(next() * all.length)] as A
  const change = (object: Json): void => {
    const all = places(object["spec"])
    if (all.length === 0) return
    const [holder, key] = pick(all)
    const value = holder[key]
    const act = next()
    if (act < 0.2 && !Array.isArray(holder)) delete holder[key]
    else if (act < 0.3 && Array.isArray(value)) holder[key] = [...value, ...value]
    else if (act < 0.4 && typeof value === "object" && value !== null && !Array.isArray(value)) {
      holder[key] = { ...value, [pick(FIELDS)]: structuredClone(pick(ODD)) }
    } else holder[key] = structuredClone(pick(ODD))
  }
  return Array.from({ length: count }, (_, index) => {
    const fixture = pick(fixtures)
    const object = { ...(structuredClone(fixture.object) as Json), metadata: { name: "mutant" } }
    for (let changes = 1 + Math.floor(next() * 3); changes > 0; changes--) change(object)
    return { ...fixture, name: `${fixture.name} #${index}`, object: JSON.parse(JSON.stringify(object)) as unknown }
  })
}
