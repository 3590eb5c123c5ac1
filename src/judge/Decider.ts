/**
 * The operator's own pipeline as something that is asked: a policy, the memory between two ticks, and an answer for
 * each observation. A decision counts as written at once. Whatever judges a policy judges what a user gets.
 */
import { initialMemory } from "#domain/memory"
import { play } from "#domain/play"
import type { Decision } from "#schemas/Decision"
import type { Memory } from "#schemas/Memory"
import type { Observation } from "#schemas/Observation"
import type { Policy, Signal, Target } from "#schemas/Policy"
import type { Reading } from "#schemas/Reading"
import type { PolicyFile } from "./policyFile.ts"

/** Which of the selected Deployments is meant does not matter to a decision. */
const targetOf = ({ ref, targets }: Policy): Target =>
  targets._tag === "Ref"
    ? targets.target
    : { apiVersion: "apps/v1", kind: "Deployment", namespace: ref.namespace, name: ref.name }

export interface Asked {
  readonly at: number
  readonly replicas: number
  readonly ready: number
  /** Pods that are there, ready or not. */
  readonly pods: number
  readonly seed: number
  readonly reading: (signal: Signal) => Reading
}

export class Decider {
  readonly #file: PolicyFile
  readonly #target: Target
  #memory: Memory | undefined = undefined

  constructor(file: PolicyFile) {
    this.#file = file
    this.#target = targetOf(file.policy)
  }

  get policy(): Policy {
    return this.#file.policy
  }

  /** Undefined: nothing has been decided yet. */
  get memory(): Memory | undefined {
    return this.#memory
  }

  decide({ at, pods, reading, ready, replicas, seed }: Asked): Decision {
    const { engines, policy } = this.#file
    const observation: Observation = {
      at,
      target: this.#target,
      state: {
        specReplicas: replicas,
        statusReplicas: pods,
        readyReplicas: ready,
        resourceVersion: "",
        rollingOut: false
      },
      readings: policy.signals.map((signal) => ({ signal: signal.name, reading: reading(signal) })),
      seed
    }
    const memory = this.#memory ?? initialMemory(policy, at)
    const decided = play({ policy, engines, observation, memory })
    this.#memory = decided.memory
    return decided.decision
  }
}
