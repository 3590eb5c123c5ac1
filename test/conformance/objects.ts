/** Create, read, replace, delete: identity, versions, preconditions, generation. */
import { assert } from "vitest"
import {
  at,
  type Case,
  configMap,
  configMaps,
  deployment,
  deployments,
  MERGE,
  refusal,
  version,
  widget,
  widgets
} from "#test/conformance/Api"

export const objects: ReadonlyArray<Case> = [
  {
    title: "gives a new object a uid, a version, a time and the namespace of the path",
    run: async (api) => {
      const made = await api.send("POST", configMaps(api), { body: configMap("a", { x: "1" }) })
      assert.strictEqual(made.status, 201)
      assert.deepInclude(made.body, { kind: "ConfigMap", apiVersion: "v1", data: { x: "1" } })
      assert.strictEqual(at(made.body, "metadata.namespace"), api.namespace)
      for (const field of ["uid", "resourceVersion", "creationTimestamp"]) {
        assert.isString(at(made.body, `metadata.${field}`), field)
      }
      assert.isUndefined(at(made.body, "metadata.generation"))
      const read = await api.send("GET", configMaps(api, "a"))
      assert.deepStrictEqual(read.body, made.body)
    }
  },
  {
    title: "makes up a name from generateName, another one each time",
    run: async (api) => {
      const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { generateName: "made-" } }
      const [one, two] = [
        await api.send("POST", configMaps(api), { body }),
        await api.send("POST", configMaps(api), { body })
      ]
      assert.match(String(at(one.body, "metadata.name")), /^made-[a-z0-9]{5}$/u)
      assert.notStrictEqual(at(one.body, "metadata.name"), at(two.body, "metadata.name"))
    }
  },
  {
    title: "says that an object is not there, or there already",
    run: async (api) => {
      const gone = await api.send("GET", configMaps(api, "none"))
      assert.deepStrictEqual(refusal(gone), { status: 404, reason: "NotFound", fields: [] })
      assert.strictEqual(gone.body["message"], 'configmaps "none" not found')
      assert.deepStrictEqual(gone.body["details"], { name: "none", kind: "configmaps" })
      const typed = await api.send("GET", deployments(api, "none"))
      assert.strictEqual(typed.body["message"], 'deployments.apps "none" not found')
      await api.send("POST", configMaps(api), { body: configMap("a") })
      const again = await api.send("POST", configMaps(api), { body: configMap("a") })
      assert.deepStrictEqual(refusal(again), { status: 409, reason: "AlreadyExists", fields: [] })
      assert.strictEqual(again.body["message"], 'configmaps "a" already exists')
    }
  },
  {
    title: "says what it does not serve, and that a namespace is missing",
    run: async (api) => {
      for (const path of [
        "/apis/nowhere.io/v1/things",
        `/api/v1/namespaces/${api.namespace}/things`,
        "/api/v1/configmaps/a"
      ]) {
        const answer = await api.send("GET", path)
        assert.strictEqual(answer.status, 404, path)
      }
      const lost = await api.send("POST", "/api/v1/namespaces/conformance-none/configmaps", { body: configMap("a") })
      assert.deepStrictEqual(refusal(lost), { status: 404, reason: "NotFound", fields: [] })
      assert.strictEqual(lost.body["message"], 'namespaces "conformance-none" not found')
      const empty = await api.send("GET", "/api/v1/namespaces/conformance-none/configmaps")
      assert.deepStrictEqual(empty.body["items"], [])
    }
  },
  {
    title: "refuses names that are none, versions on new objects, and objects of another kind",
    run: async (api) => {
      const named = await api.send("POST", widgets(api), { body: widget("Not_A_Name") })
      assert.deepStrictEqual(refusal(named), {
        status: 422,
        reason: "Invalid",
        fields: ["metadata.name FieldValueInvalid"]
      })
      const nameless = await api.send("POST", widgets(api), { body: { ...widget("x"), metadata: {} } })
      assert.deepInclude(refusal(nameless), { status: 422, reason: "Invalid" })
      const other = await api.send("POST", configMaps(api), { body: widget("a") })
      assert.deepInclude(refusal(other), { status: 400, reason: "BadRequest" })
      const elsewhere = { ...configMap("a"), metadata: { name: "a", namespace: "kube-system" } }
      assert.deepInclude(refusal(await api.send("POST", configMaps(api), { body: elsewhere })), {
        status: 400,
        reason: "BadRequest"
      })
      const text = await api.send("POST", configMaps(api), { body: "text", contentType: "text/plain" })
      assert.deepInclude(refusal(text), { status: 415, reason: "UnsupportedMediaType" })
    }
  },
  {
    title: "replaces only the version that was read",
    run: async (api) => {
      const made = await api.send("POST", configMaps(api), { body: configMap("a", { x: "1" }) })
      const changed = await api.send("PUT", configMaps(api, "a"), { body: { ...made.body, data: { x: "2" } } })
      assert.strictEqual(changed.status, 200)
      assert.notStrictEqual(version(changed), version(made))
      const late = await api.send("PUT", configMaps(api, "a"), { body: { ...made.body, data: { x: "3" } } })
      assert.deepStrictEqual(refusal(late), { status: 409, reason: "Conflict", fields: [] })
      assert.strictEqual(
        late.body["message"],
        'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again'
      )
      const blind = await api.send("PUT", configMaps(api, "a"), { body: configMap("a", { x: "4" }) })
      assert.deepStrictEqual([blind.status, blind.body["data"]], [200, { x: "4" }])
      await api.send("POST", widgets(api), { body: widget("w") })
      const custom = await api.send("PUT", widgets(api, "w"), { body: widget("w", { size: 2 }) })
      assert.deepInclude(refusal(custom), { status: 422, reason: "Invalid" })
    }
  },
  {
    title: "refuses a change of an object that was deleted and made anew",
    run: async (api) => {
      const made = await api.send("POST", configMaps(api), { body: configMap("a") })
      const patch = { metadata: { uid: "11111111-1111-4111-8111-111111111111" }, data: { x: "1" } }
      const other = await api.send("PATCH", configMaps(api, "a"), { body: patch, contentType: MERGE })
      assert.deepInclude(refusal(other), { status: 422, reason: "Invalid" })
      const uid = at(made.body, "metadata.uid")
      const kept = await api.send("DELETE", configMaps(api, "a"), {
        body: { preconditions: { uid: `${String(uid)}0` } }
      })
      assert.deepStrictEqual(refusal(kept), { status: 409, reason: "Conflict", fields: [] })
      const gone = await api.send("DELETE", configMaps(api, "a"), { body: { preconditions: { uid } } })
      assert.strictEqual(gone.status, 200)
    }
  },
  {
    title: "keeps the version where nothing changes",
    run: async (api) => {
      const made = await api.send("POST", widgets(api), { body: widget("w", { size: 3 }) })
      const put = await api.send("PUT", widgets(api, "w"), { body: made.body })
      assert.deepStrictEqual([put.status, version(put)], [200, version(made)], "PUT")
      const patch = await api.send("PATCH", widgets(api, "w"), { body: { spec: { size: 3 } }, contentType: MERGE })
      assert.deepStrictEqual([patch.status, version(patch)], [200, version(made)], "PATCH")
    }
  },
  {
    title: "counts generations of specs, and of nothing else",
    run: async (api) => {
      const generation = async (sent: Promise<{ readonly body: unknown }>) =>
        at((await sent).body, "metadata.generation")
      assert.strictEqual(await generation(api.send("POST", widgets(api), { body: widget("w") })), 1)
      const merge = (path: string, body: unknown) => generation(api.send("PATCH", path, { body, contentType: MERGE }))
      assert.strictEqual(await merge(widgets(api, "w"), { metadata: { labels: { a: "b" } } }), 1)
      assert.strictEqual(await merge(widgets(api, "w/status"), { status: { size: 4 } }), 1)
      assert.strictEqual(await merge(widgets(api, "w"), { spec: { size: 2 } }), 2)
      await api.send("PATCH", widgets(api, "w/scale"), { body: { spec: { replicas: 5 } }, contentType: MERGE })
      assert.strictEqual(await generation(api.send("GET", widgets(api, "w"))), 3)
      assert.strictEqual(await generation(api.send("POST", deployments(api), { body: deployment("d") })), 1)
    }
  },
  {
    title: "deletes at once, and says whose uid it was",
    run: async (api) => {
      const made = await api.send("POST", widgets(api), { body: widget("w") })
      const gone = await api.send("DELETE", widgets(api, "w"), { body: { propagationPolicy: "Background" } })
      assert.strictEqual(gone.status, 200)
      assert.deepInclude(gone.body, { kind: "Status", status: "Success" })
      assert.strictEqual(at(gone.body, "details.uid"), at(made.body, "metadata.uid"))
      assert.strictEqual((await api.send("GET", widgets(api, "w"))).status, 404)
      assert.strictEqual((await api.send("DELETE", widgets(api, "w"))).status, 404)
    }
  },
  {
    title: "waits with a deletion for the last finalizer",
    run: async (api) => {
      await api.send("POST", widgets(api), { body: widget("w", { size: 1 }, { finalizers: ["conformance.io/wait"] }) })
      const marked = await api.send("DELETE", widgets(api, "w"))
      assert.strictEqual(marked.status, 200)
      assert.isString(at(marked.body, "metadata.deletionTimestamp"))
      assert.strictEqual(at(marked.body, "metadata.generation"), 2)
      assert.strictEqual((await api.send("GET", widgets(api, "w"))).status, 200)
      await api.send("PATCH", widgets(api, "w"), { body: { metadata: { finalizers: null } }, contentType: MERGE })
      assert.strictEqual((await api.send("GET", widgets(api, "w"))).status, 404)
    }
  },
  {
    title: "stores nothing on a dry run, and answers as if it had",
    run: async (api) => {
      const made = await api.send("POST", `${widgets(api)}?dryRun=All`, { body: widget("w") })
      assert.deepStrictEqual([made.status, at(made.body, "spec.mode")], [201, "Fast"])
      assert.isUndefined(at(made.body, "metadata.resourceVersion"))
      assert.strictEqual((await api.send("GET", widgets(api, "w"))).status, 404)
      const real = await api.send("POST", widgets(api), { body: widget("w") })
      const patched = await api.send("PATCH", `${widgets(api, "w")}?dryRun=All`, {
        body: { spec: { size: 9 } },
        contentType: MERGE
      })
      assert.deepStrictEqual([at(patched.body, "spec.size"), at(patched.body, "metadata.generation")], [9, 2])
      await api.send("DELETE", `${widgets(api, "w")}?dryRun=All`)
      assert.deepStrictEqual((await api.send("GET", widgets(api, "w"))).body, real.body)
      const odd = await api.send("POST", `${widgets(api)}?dryRun=Some`, { body: widget("v") })
      assert.isAtLeast(odd.status, 400)
    }
  },
  {
    title: "keeps Secrets as base64 whether written plain or not",
    run: async (api) => {
      const secrets = `/api/v1/namespaces/${api.namespace}/secrets`
      const body = {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "s" },
        stringData: { a: "hello" },
        data: { b: "aGk=" }
      }
      const made = await api.send("POST", secrets, { body })
      assert.deepStrictEqual([made.body["data"], made.body["type"]], [{ a: "aGVsbG8=", b: "aGk=" }, "Opaque"])
      assert.isUndefined(made.body["stringData"])
    }
  },
  {
    title: "asks whether one may, and allows an administrator everything",
    run: async (api) => {
      const body = {
        apiVersion: "authorization.k8s.io/v1",
        kind: "SelfSubjectAccessReview",
        spec: { resourceAttributes: { verb: "list", group: "apps", resource: "deployments" } }
      }
      const answer = await api.send("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", { body })
      assert.deepStrictEqual([answer.status, at(answer.body, "status.allowed")], [201, true])
    }
  },
  {
    title: "shows one event in both of its versions",
    run: async (api) => {
      const path = `/apis/events.k8s.io/v1/namespaces/${api.namespace}/events`
      const regarding = { apiVersion: "apps/v1", kind: "Deployment", namespace: api.namespace, name: "web", uid: "u-1" }
      const body = {
        apiVersion: "events.k8s.io/v1",
        kind: "Event",
        metadata: { name: "web.1", namespace: api.namespace },
        eventTime: "2026-01-01T00:00:00.000000Z",
        reportingController: "conformance",
        reportingInstance: "one",
        action: "Scale",
        reason: "ScaledUp",
        type: "Normal",
        note: "2 to 3",
        regarding
      }
      const made = await api.send("POST", path, { body })
      assert.strictEqual(made.status, 201, JSON.stringify(made.body))
      const fields = "involvedObject.kind%3DDeployment%2CinvolvedObject.name%3Dweb%2Ctype%21%3DWarning"
      const found = await api.send("GET", `/api/v1/namespaces/${api.namespace}/events?fieldSelector=${fields}`)
      const [event = {}] = (found.body["items"] ?? []) as ReadonlyArray<Record<string, unknown>>
      assert.deepInclude(event, { message: "2 to 3", reason: "ScaledUp", reportingComponent: "conformance" })
      assert.deepInclude(event["involvedObject"], { kind: "Deployment", name: "web", uid: "u-1" })
      const shown = await api.send("GET", `${path}/web.1`)
      assert.deepInclude(shown.body, {
        note: "2 to 3",
        reportingController: "conformance",
        apiVersion: "events.k8s.io/v1"
      })
    }
  }
]
