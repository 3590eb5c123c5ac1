import { assert, describe, it } from "@effect/vitest"
import { Effect, Ref } from "effect"
import { ANSWER_BYTES_MAX } from "#services/Egress"
import { Nats } from "#services/Nats"
import { jsz, stream } from "#test/sources/answers"
import { inTime, ok, run } from "#test/sources/sourceWorld"
import type { Behaviour } from "#test/sources/sourceWorld"

const ACCOUNTS = 300

/** Accounts in pages, as the server cuts them. */
const paged = (serverId: (offset: number) => string = () => "NA") => ({
  kubernetes: () => ({}),
  http: ({ url }: { readonly url: string }) => {
    const query = new URL(url).searchParams
    const [offset, limit] = [Number(query.get("offset")), Number(query.get("limit"))]
    const names = Array.from({ length: ACCOUNTS }, (_, at) => `A${String(at).padStart(3, "0")}`)
    const page = names.slice(offset, offset + limit)
    return ok({
      ...jsz([], { id: serverId(offset) }),
      total: ACCOUNTS,
      account_details: page.map((name) => ({ name, id: name, stream_detail: [stream({ name: "S", subjects: ["s"] })] }))
    })
  }
})

const view = (question: {
  readonly monitoringUrl: string
  readonly account?: string
  readonly headers?: Record<string, string>
}) => Effect.flatMap(Nats, (nats) => nats.jetStream(question))

const monitoringUrl = "http://nats:8222/"

describe("the view of JetStream", () => {
  it.effect("holds every account of every page once", () =>
    Effect.gen(function* () {
      const { layer, requests } = yield* run(paged())
      const { servers, unreached } = yield* inTime(view({ monitoringUrl }).pipe(Effect.provide(layer)))
      const accounts = servers.flatMap(({ streams }) => streams.map(({ account }) => account))
      assert.strictEqual(new Set(accounts).size, ACCOUNTS)
      assert.strictEqual(accounts.length, ACCOUNTS)
      assert.deepStrictEqual(unreached, [])
      const asked = (yield* Ref.get(requests)).map(({ url }) => new URL(url))
      assert.deepStrictEqual(
        asked.map(({ searchParams }) => searchParams.get("offset")),
        ["0", "128", "256"]
      )
      for (const { pathname, searchParams } of asked) {
        assert.strictEqual(pathname, "/jsz")
        for (const flag of ["accounts", "streams", "consumers", "config"])
          assert.strictEqual(searchParams.get(flag), "true")
      }
    })
  )

  it.effect("is not pieced together from different servers behind one address", () =>
    Effect.gen(function* () {
      const { layer } = yield* run(paged((offset) => (offset === 0 ? "NA" : "NB")))
      const error = yield* Effect.flip(inTime(view({ monitoringUrl }).pipe(Effect.provide(layer))))
      assert.strictEqual(error.why, "NotLeader")
    })
  )

  it.effect("ends when the pages together are larger than two answers may be", () =>
    Effect.gen(function* () {
      const padding = "x".repeat(ANSWER_BYTES_MAX / 2)
      const details = Array.from({ length: 128 }, (_, at) => ({ name: `A${at}`, id: `A${at}` }))
      const { layer, requests } = yield* run({
        kubernetes: () => ({}),
        http: () => ok({ ...jsz([]), account_details: details, padding })
      })
      const error = yield* Effect.flip(inTime(view({ monitoringUrl }).pipe(Effect.provide(layer))))
      assert.strictEqual(error.why, "TooLarge")
      assert.strictEqual((yield* Ref.get(requests)).length, 4)
    })
  )

  it.effect("ends, also when a server's pages do not", () =>
    Effect.gen(function* () {
      const full = jsz([])
      const details = Array.from({ length: 128 }, (_, at) => ({ name: `A${at}`, id: `A${at}` }))
      const { layer, requests } = yield* run({
        kubernetes: () => ({}),
        http: () => ok({ ...full, account_details: details })
      })
      const error = yield* Effect.flip(inTime(view({ monitoringUrl }).pipe(Effect.provide(layer))))
      assert.strictEqual(error.why, "TooLarge")
      assert.strictEqual((yield* Ref.get(requests)).length, 64)
    })
  )

  it.effect("is shared by all who ask at once, and asked anew for the next tick", () =>
    Effect.gen(function* () {
      const { layer, requests } = yield* run({ kubernetes: () => ({}), http: () => ok(jsz([])) })
      yield* Effect.gen(function* () {
        const all = Effect.forEach(Array.from({ length: 50 }), () => view({ monitoringUrl }), {
          concurrency: "unbounded"
        })
        yield* inTime(all)
        assert.strictEqual((yield* Ref.get(requests)).length, 1)
        yield* inTime(all)
        assert.strictEqual((yield* Ref.get(requests)).length, 2)
        yield* inTime(Effect.all([view({ monitoringUrl, account: "A" }), view({ monitoringUrl, headers: { a: "b" } })]))
        assert.strictEqual((yield* Ref.get(requests)).length, 4, "other questions are other questions")
      }).pipe(Effect.provide(layer))
    })
  )

  it.effect("sends the policy's headers and certificate to the servers it names, not to those merely found", () =>
    Effect.gen(function* () {
      const { layer, requests } = yield* run({
        kubernetes: () => ({}),
        http: ({ url }) => {
          const { pathname } = new URL(url)
          if (pathname === "/varz") return ok({ server_id: "N0", server_name: "n0" })
          if (pathname === "/routez") return ok({ routes: [{ remote_id: "N1", remote_name: "n1", ip: "fd00::7" }] })
          return ok(jsz([], { id: "N0", others: ["n1"] }))
        }
      })
      const question = {
        monitoringUrl: "http://user:password@nats:8222/?token=secret",
        headers: { authorization: "secret" },
        tls: { ca: "authority", cert: "certificate", key: "key" },
        peerUrls: ["http://peer:1"]
      }
      const { unreached } = yield* inTime(
        Effect.flatMap(Nats, (nats) => nats.jetStream(question)).pipe(Effect.provide(layer))
      )
      assert.deepStrictEqual(unreached, ["n1"], "what answers in the name of n0 again is not n1")
      const hosts = new Map(
        (yield* Ref.get(requests)).map(({ headers, tls, url }) => [new URL(url).host, { headers, tls }])
      )
      assert.deepStrictEqual([...hosts.keys()].toSorted(), ["[fd00::7]:8222", "n1.nats:8222", "nats:8222", "peer:1"])
      const { headers, tls } = question
      assert.deepStrictEqual(hosts.get("nats:8222"), { headers, tls })
      assert.deepStrictEqual(hosts.get("peer:1"), { headers, tls })
      const found = { headers: {}, tls: { ca: "authority" } }
      assert.deepStrictEqual(hosts.get("[fd00::7]:8222"), found, "whom the policy trusts, they have to prove")
      assert.deepStrictEqual(hosts.get("n1.nats:8222"), found)
      for (const { url } of yield* Ref.get(requests)) {
        const { host, password, searchParams, username } = new URL(url)
        const given = host === "nats:8222" ? ["user", "password", "secret"] : ["", "", null]
        assert.deepStrictEqual([username, password, searchParams.get("token")], given, host)
      }
    })
  )

  it.effect("does not wait long for members that do not answer", () =>
    Effect.gen(function* () {
      const { layer, requests } = yield* run({
        kubernetes: () => ({}),
        http: ({ url }) => {
          const { hostname, pathname } = new URL(url)
          if (hostname !== "nats") return "hangs"
          if (pathname === "/varz") return ok({ server_id: "N0", server_name: "n0" })
          if (pathname === "/routez") return ok({ routes: [{ remote_id: "N1", remote_name: "n1", ip: "10.0.0.1" }] })
          return ok(jsz([], { id: "N0", others: ["n1"] }))
        }
      })
      const seen = yield* inTime(view({ monitoringUrl }).pipe(Effect.timeout("5 seconds"), Effect.provide(layer)))
      assert.deepStrictEqual(seen.unreached, ["n1"])
      assert.isAbove((yield* Ref.get(requests)).length, 3)
    })
  )

  /** Before 2.10, routes come without names, and the meta group without its members. */
  const old = (
    members: Readonly<Record<string, { readonly host: string; readonly answers?: boolean }>>,
    size: number
  ) => ({
    kubernetes: () => ({}),
    http: ({ url }: { readonly url: string }): Behaviour => {
      const { hostname, pathname } = new URL(url)
      const [name] =
        Object.entries(members).find(([, { answers, host }]) => host === hostname && answers !== false) ?? []
      if (name === undefined) return { fails: { _tag: "Unreachable" } }
      if (pathname === "/varz") return ok({ server_id: `ID-${name}`, server_name: name })
      if (pathname === "/routez") {
        const others = Object.entries(members).filter(([other]) => other !== name)
        return ok({ routes: others.map(([other, { host }]) => ({ remote_id: `ID-${other}`, ip: host })) })
      }
      return ok({ ...jsz([], { id: `ID-${name}` }), meta_cluster: { name: "c", leader: "n1", cluster_size: size } })
    }
  })

  it.effect("asks members who they are where their routes do not tell", () =>
    Effect.gen(function* () {
      const members = { n0: { host: "nats" }, n1: { host: "10.0.0.1" }, n2: { host: "10.0.0.2" } }
      const { layer } = yield* run(old(members, 3))
      const seen = yield* inTime(view({ monitoringUrl }).pipe(Effect.provide(layer)))
      assert.deepStrictEqual(new Set(seen.servers.map(({ name }) => name)), new Set(["n0", "n1", "n2"]))
      assert.deepStrictEqual(seen.unreached, [])
    })
  )

  it.effect("counts members that nobody named as not reached", () =>
    Effect.gen(function* () {
      const members = { n0: { host: "nats" }, n1: { host: "10.0.0.1" }, n2: { host: "10.0.0.2", answers: false } }
      const { layer } = yield* run(old(members, 3))
      const seen = yield* inTime(view({ monitoringUrl }).pipe(Effect.provide(layer)))
      assert.deepStrictEqual(seen.unreached, ["1 more"])
    })
  )

  it.effect("leaves out a peer that is a server of its own", () =>
    Effect.gen(function* () {
      const { layer } = yield* run({
        kubernetes: () => ({}),
        http: (request) =>
          new URL(request.url).hostname === "alone"
            ? ok(
                new URL(request.url).pathname === "/varz"
                  ? { server_id: "X", server_name: "n1" }
                  : jsz([stream({ name: "S", subjects: ["s"] })], { id: "X" })
              )
            : old({ n0: { host: "nats" } }, 2).http(request)
      })
      const seen = yield* inTime(
        Effect.flatMap(Nats, (nats) => nats.jetStream({ monitoringUrl, peerUrls: ["http://alone:8222"] })).pipe(
          Effect.provide(layer)
        )
      )
      assert.deepStrictEqual(
        seen.servers.map(({ name }) => name),
        ["n0"]
      )
      assert.deepStrictEqual(seen.unreached, ["n1"])
    })
  )
})
