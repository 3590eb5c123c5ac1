/**
 * What an operator needs of its cluster, looked at one by one over the operator's own port: the API server, its
 * permissions, the CRDs, metrics of pods and the Lease. Each finding that is bad says what to do about it.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { failed, type Finding, ok, skipped, warning } from "#cli/doctor/Finding"
import type { Currency } from "#services/crdInstallation"
import { Kubernetes, type KubernetesError } from "#services/Kubernetes"
import { Settings } from "#services/Settings"

/** Kubernetes 1.29: the first whose CRDs may carry all the rules of ours. */
export const MINIMUM_MINOR = 29

const Version = Schema.Struct({ major: Schema.String, minor: Schema.String, gitVersion: Schema.String })

const words = ({ reason, detail }: KubernetesError): string => `${reason._tag}: ${detail}`

const get = <S extends Schema.ConstraintDecoder<unknown>>(schema: S, path: string) =>
  Kubernetes.use(({ request }) => request({ method: "GET", path })).pipe(
    Effect.flatMap((body) => Schema.decodeUnknownEffect(schema)(body))
  )

/** Absence as a value; every other failure as itself. */
const find = <S extends Schema.ConstraintDecoder<unknown>>(schema: S, path: string) =>
  get(schema, path).pipe(
    Effect.map(Option.some),
    Effect.catchIf(
      (error) => error._tag === "KubernetesError" && error.reason._tag === "NotFound",
      () => Effect.succeed(Option.none<S["Type"]>())
    )
  )

const sentence = (error: { readonly message: string } | KubernetesError): string =>
  "reason" in error && "detail" in error ? words(error) : error.message

export const checkApi = Effect.fn("doctor.api")(function* (server: string) {
  const name = "Kubernetes API"
  return yield* get(Version, "/version").pipe(
    Effect.map(({ major, minor, gitVersion }) => {
      const number = Number.parseInt(minor, 10)
      return major === "1" && number >= MINIMUM_MINOR
        ? ok(name, `${gitVersion} at ${server}`)
        : failed(
            name,
            `${gitVersion} at ${server}`,
            `Kubernetes 1.${MINIMUM_MINOR} or later is needed: upgrade the cluster`
          )
    }),
    Effect.catch((error) =>
      Effect.succeed(
        failed(
          name,
          `${server} does not answer as an API server does (${sentence(error)})`,
          "check that `kubectl version` works with the same kubeconfig and context; a cluster's own pods use their service account"
        )
      )
    )
  )
})

/** One verb on one resource, as the API server is asked about it. */
export interface Permission {
  readonly group: string
  readonly resource: string
  readonly verb: string
  readonly namespace?: string
}

const Review = Schema.Struct({ status: Schema.Struct({ allowed: Schema.Boolean }) })

const isAllowed = Effect.fn("doctor.isAllowed")(function* ({ group, resource, verb, namespace }: Permission) {
  const { request } = yield* Kubernetes
  const [plural = resource, subresource] = resource.split("/")
  const body = yield* request({
    method: "POST",
    path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    body: {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      spec: {
        resourceAttributes: {
          group,
          resource: plural,
          verb,
          ...(subresource === undefined ? {} : { subresource }),
          ...(namespace === undefined ? {} : { namespace })
        }
      }
    }
  })
  return (yield* Schema.decodeUnknownEffect(Review)(body)).status.allowed
})

const MAX_LISTED = 12

export interface PermissionsOptions {
  readonly name: string
  /** What is lost without them; absent: the operator cannot do without. */
  readonly loss?: string
  readonly remedy: string
}

export const checkPermissions = Effect.fn("doctor.permissions")(function* (
  permissions: ReadonlyArray<Permission>,
  { name, loss, remedy }: PermissionsOptions
) {
  return yield* Effect.forEach(
    permissions,
    (permission) => Effect.map(isAllowed(permission), (allowed) => ({ permission, allowed })),
    { concurrency: 8 }
  ).pipe(
    Effect.map((answers) => {
      const denied = answers.filter(({ allowed }) => !allowed).map(({ permission }) => permission)
      if (denied.length === 0) return ok(name, `${permissions.length} of ${permissions.length} granted`)
      const lines = denied.map(({ group, resource, verb, namespace }) => {
        const what = group === "" ? resource : `${resource}.${group}`
        return `${verb} ${what}${namespace === undefined ? "" : ` in ${namespace}`}`
      })
      const more = lines.length > MAX_LISTED ? [`and ${lines.length - MAX_LISTED} more`] : []
      const message = [`not granted: ${lines.length} of ${permissions.length}`, ...lines.slice(0, MAX_LISTED), ...more]
      return loss === undefined
        ? failed(name, message.join("\n"), remedy)
        : warning(name, [...message, loss].join("\n"), remedy)
    }),
    Effect.catch((error) =>
      Effect.succeed(
        warning(name, `could not be asked for (${sentence(error)})`, "see the check of the Kubernetes API")
      )
    )
  )
})

/** A CRD as it should be: its name, its versions and the version of nimbusguard that it was made by. */
export interface WantedCrd {
  readonly name: string
  readonly version: string
}

const Crd = Schema.Struct({
  metadata: Schema.Struct({ annotations: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)) }),
  spec: Schema.Struct({
    versions: Schema.Array(Schema.Struct({ name: Schema.String, served: Schema.Boolean }))
  }),
  status: Schema.optionalKey(
    Schema.Struct({
      conditions: Schema.optionalKey(
        Schema.NullOr(Schema.Array(Schema.Struct({ type: Schema.String, status: Schema.String })))
      )
    })
  )
})

const INSTALL = "make install, or kubectl apply -k manifests/crd, or run once with INSTALL_CRDS=true"

export const checkCrd = Effect.fn("doctor.crd")(function* (
  wanted: WantedCrd,
  currencyOf: (annotations: Readonly<Record<string, string>> | undefined) => Currency
) {
  const name = `CRD ${wanted.name.split(".")[0]}`
  return yield* find(Crd, `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${wanted.name}`).pipe(
    Effect.map((found): Finding => {
      if (Option.isNone(found)) return failed(name, `${wanted.name} is not installed`, INSTALL)
      const { metadata, spec, status } = found.value
      if (!spec.versions.some(({ name: version, served }) => version === wanted.version && served)) {
        return failed(name, `${wanted.name} does not serve ${wanted.version}`, INSTALL)
      }
      const established = status?.conditions?.some(
        ({ type, status: holds }) => type === "Established" && holds === "True"
      )
      if (established !== true) {
        return failed(name, `${wanted.name} is not established`, `look at kubectl describe crd ${wanted.name}`)
      }
      switch (currencyOf(metadata.annotations)) {
        case "current":
          return ok(name, `${wanted.name} is installed and current`)
        case "newer":
          return warning(name, `${wanted.name} is newer than this nimbusguard`, "upgrade the operator to match it")
        case "unversioned":
          return warning(name, `${wanted.name} does not say which nimbusguard it is of`, INSTALL)
        case "older":
          return warning(name, `${wanted.name} is older than this nimbusguard: new fields are dropped`, INSTALL)
      }
    }),
    Effect.catch((error) =>
      Effect.succeed(warning(name, `could not be read (${sentence(error)})`, "grant get on customresourcedefinitions"))
    )
  )
})

export const checkResourceMetrics = Effect.fn("doctor.metrics")(function* () {
  const name = "metrics.k8s.io"
  const { prometheusUrl } = yield* Settings
  return yield* find(Schema.Unknown, "/apis/metrics.k8s.io/v1beta1").pipe(
    Effect.map((found) => {
      if (Option.isSome(found)) return ok(name, "CPU and memory of pods are served")
      return prometheusUrl === undefined
        ? warning(
            name,
            "is not served, so policies on CPU or memory have no value",
            "install metrics-server, or set PROMETHEUS_URL"
          )
        : ok(name, "is not served; CPU and memory are asked of Prometheus")
    }),
    Effect.catch((error) =>
      Effect.succeed(
        warning(name, `does not answer (${sentence(error)})`, "kubectl get apiservice v1beta1.metrics.k8s.io says why")
      )
    )
  )
})

const Lease = Schema.Struct({
  spec: Schema.Struct({
    holderIdentity: Schema.optionalKey(Schema.NullOr(Schema.String)),
    leaseDurationSeconds: Schema.optionalKey(Schema.NullOr(Schema.Int)),
    renewTime: Schema.optionalKey(Schema.NullOr(Schema.String))
  })
})

export const checkLease = Effect.fn("doctor.lease")(function* (path: string) {
  const name = "Leader"
  const now = yield* Clock.currentTimeMillis
  return yield* find(Lease, path).pipe(
    Effect.map((found) => {
      if (Option.isNone(found)) return skipped(name, "no operator has run in this namespace yet")
      const { holderIdentity, leaseDurationSeconds, renewTime } = found.value.spec
      if (holderIdentity === undefined || holderIdentity === null || holderIdentity === "") {
        return warning(name, "nobody leads: the last operator stopped in good order", "start an operator")
      }
      const ageSeconds = Math.round((now - Date.parse(renewTime ?? "")) / 1000)
      const renewed = Number.isFinite(ageSeconds) ? `renewed ${ageSeconds} s ago` : "never renewed"
      return ageSeconds <= (leaseDurationSeconds ?? 15)
        ? ok(name, `${holderIdentity} leads, ${renewed}`)
        : warning(
            name,
            `${holderIdentity} held the Lease last, ${renewed}`,
            "start an operator, or look at the logs of the one that should hold it"
          )
    }),
    Effect.catch((error) =>
      Effect.succeed(warning(name, `the Lease could not be read (${sentence(error)})`, "grant get on leases"))
    )
  )
})
