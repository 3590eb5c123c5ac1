/** `nimbusguard doctor`: looks at everything an operator needs, and says for each thing that is wrong what to do. */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stdio from "effect/Stdio"
import { whyUnread } from "#cli/whyUnread"
import { readPolicyFile } from "#judge/policyFile"
import { checkApi, checkCrd, checkLease, checkPermissions, checkResourceMetrics } from "#cli/doctor/cluster"
import { failed, type Finding, skipped, toJson, toText } from "#cli/doctor/Finding"
import { checkOpenAi, checkPrometheus } from "#cli/doctor/outside"
import { permissionsOf } from "#cli/doctor/permissions"
import { askSources, findingOf, layerNoKubernetes } from "#cli/doctor/sources"
import { settingFlags, settingsFrom } from "#cli/settings"
import { crdName } from "#manifests/crd"
import { KINDS } from "#schemas/crd/index"
import { LEASE_NAME } from "#operator/Leader"
import * as EgressLive from "#services/EgressLive"
import { currency } from "#services/crdInstallation"
import { resolveHome } from "#services/Home"
import { homeNamespace } from "#services/homeNamespace"
import { KubernetesAccess } from "#services/KubernetesAccess"
import { LEASES, refPath } from "#services/kubernetesCalls"
import * as KubernetesLive from "#services/KubernetesLive"
import { layerLogging } from "#services/Logging"
import { Settings } from "#services/Settings"
import * as SourceSystems from "#services/SourceSystems"
import { VERSION } from "#services/version"

/** The findings are told; the shell only has to know that there are some. */
class Unsatisfied extends Data.TaggedError("Unsatisfied") {}

const NEEDS_API = ["Permissions", "Secrets", "CRDs", "metrics.k8s.io", "Leader"]

const ROLE = {
  name: "Permissions",
  remedy: "apply manifests/rbac (kubectl apply -k manifests/base has it), or bind its roles to this user"
}
const SECRETS_ROLE = {
  name: "Secrets",
  loss: "policies that name Secrets have no value for those signals",
  remedy: "bind the ClusterRole nimbusguard-operator-secrets, everywhere or in the namespaces that need it"
}

const checkCluster = Effect.gen(function* () {
  const settings = yield* Settings
  const home = yield* Effect.orElseSucceed(
    Effect.flatMap(homeNamespace(settings), resolveHome),
    () => settings.podNamespace
  )
  const { needed, secrets } = permissionsOf(KINDS, settings.watchNamespace, home)
  return yield* Effect.all(
    [
      checkPermissions(needed, ROLE),
      checkPermissions(secrets, SECRETS_ROLE),
      ...KINDS.map((kind) =>
        checkCrd({ name: crdName(kind), version: kind.version }, (annotations) => currency(annotations, VERSION))
      ),
      checkResourceMetrics(),
      checkLease(refPath({ ...LEASES, namespace: home, name: LEASE_NAME }))
    ],
    { concurrency: 4 }
  )
})

const inside = Effect.gen(function* () {
  const { cluster } = yield* KubernetesAccess
  const api = yield* checkApi(`${cluster.server} (${cluster.context})`)
  return api.status === "failed" ? without(api) : [api, ...(yield* checkCluster)]
})

/** Nothing about the cluster can be known when its API server cannot be asked. */
const without = (api: Finding): ReadonlyArray<Finding> => [
  api,
  ...NEEDS_API.map((name) => skipped(name, "needs the Kubernetes API"))
]

const examine = Effect.fn("doctor.examine")(function* ({ kubeconfig, kubeContext }: Settings) {
  const cluster = inside.pipe(
    Effect.provide(KubernetesLive.layer({ kubeconfig, context: kubeContext })),
    Effect.catchTag("AccessError", ({ message }) =>
      Effect.succeed(
        without(
          failed("Kubernetes API", message, "set KUBECONFIG or --kubeconfig, or run this in a pod of the cluster")
        )
      )
    )
  )
  const outside = Effect.all([checkPrometheus(), checkOpenAi()]).pipe(Effect.provide(EgressLive.layer))
  return (yield* Effect.all([cluster, outside], { concurrency: "unbounded" })).flat()
})

/** The one policy of a file, or a finding that says why there is none. */
const readPolicy = Effect.fn("doctor.readPolicy")(function* (path: string, name: string | undefined) {
  const { allowCrossNamespace, defaults, prometheusUrl } = yield* Settings
  const refused = (message: string) => failed("Policy", message, "nimbusguard validate says more about a file")
  const content = yield* Effect.result((yield* FileSystem.FileSystem).readFileString(path))
  if (Result.isFailure(content)) return Result.fail(refused(`${path} cannot be read: ${whyUnread(content.failure)}`))
  const decode = { allowCrossNamespace, defaults, ...(prometheusUrl === undefined ? {} : { prometheusUrl }) }
  return readPolicyFile(path, content.success, name, decode).pipe(
    Result.mapBoth({ onFailure: refused, onSuccess: ({ policy }) => policy })
  )
})

const examinePolicy = Effect.fn("doctor.examinePolicy")(function* (
  { kubeconfig, kubeContext }: Settings,
  path: string,
  name: string | undefined
) {
  const policy = yield* readPolicy(path, name)
  if (Result.isFailure(policy)) return [policy.failure]
  const asked = (hasCluster: boolean) =>
    Effect.map(askSources(policy.success, hasCluster), (answers) => answers.map(findingOf))
  const withKubernetes = asked(true).pipe(
    Effect.provide(
      SourceSystems.layer.pipe(Layer.provideMerge(KubernetesLive.layer({ kubeconfig, context: kubeContext })))
    )
  )
  return yield* withKubernetes.pipe(
    Effect.catchTag("AccessError", ({ message }) =>
      asked(false).pipe(
        Effect.provide(SourceSystems.layer.pipe(Layer.provideMerge(layerNoKubernetes(message)))),
        Effect.map((findings) => [
          ...findings,
          skipped(
            "Kubernetes API",
            `${message} Secrets and pods have no answer without it: set KUBECONFIG or --kubeconfig.`
          )
        ])
      )
    )
  )
})

/** Quiet but for what is wrong with the looking itself, and never on the output that programs read. */
const layerLog = layerLogging({
  level: "Error",
  format: "pretty",
  colors: false,
  write: (line) => void process.stderr.write(`${line}\n`)
})

export const doctorCommand = Command.make(
  "doctor",
  {
    ...settingFlags,
    policy: Flag.String("policy").pipe(
      Flag.withDescription(
        "Instead of looking at the operator, ask every source of the policy in this file once. Exit code 0 only when each has a value."
      ),
      Flag.optional
    ),
    name: Flag.String("name").pipe(
      Flag.withDescription("Which policy of the file, as NAME or KIND/NAME, where it holds several."),
      Flag.optional
    ),
    output: Flag.Literals("output", ["text", "json"]).pipe(
      Flag.withDescription("How to answer (default: text on a terminal, else json)."),
      Flag.optional
    )
  },
  Effect.fn("doctor")(function* ({ name, output, policy, ...flags }) {
    const settings = yield* settingsFrom(flags)
    const examination = Option.isNone(policy)
      ? examine(settings)
      : examinePolicy(settings, policy.value, Option.getOrUndefined(name))
    const findings = yield* examination.pipe(Effect.provideService(Settings, settings), Effect.provide(layerLog))
    const isTerminal = yield* (yield* Stdio.Stdio).stdoutIsTerminal
    const format = Option.getOrElse(output, () => (isTerminal ? "text" : "json"))
    yield* Console.log(format === "text" ? toText(findings) : toJson(VERSION, findings))
    if (findings.some(({ status }) => status === "failed")) return yield* new Unsatisfied()
  })
).pipe(
  Command.withDescription(
    "Looks at everything an operator needs (API server, permissions, CRDs, metrics, Prometheus, OpenAI, leader) and says what to do about what is wrong; with --policy, asks every source of a policy once. Exit code 1 when a check failed."
  )
)
