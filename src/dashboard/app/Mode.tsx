/** Pause, resume, or only recommend: with a Kubernetes token that is sent once and forgotten, so the cluster's own RBAC decides. */
import { useSignal } from "@preact/signals"
import { useEffect, useRef } from "preact/hooks"
import type { Row } from "../api/shapes.ts"
import { policyPath, post, words } from "./ask.ts"

type Wanted = Row["mode"]

const NAMES: Readonly<Record<Wanted, string>> = { Active: "Resume", Recommend: "Recommend only", Paused: "Pause" }

const EXPLAINED: Readonly<Record<Wanted, string>> = {
  Active: "The policy writes replicas again, from its next look on.",
  Recommend: "Everything is decided and shown, and nothing is written.",
  Paused: "Replicas stay as they are until somebody resumes it."
}

export const Mode = ({ row }: { readonly row: Row }) => {
  const wanted = useSignal<Wanted | undefined>(undefined)
  const problem = useSignal<string | undefined>(undefined)
  const done = useSignal<string | undefined>(undefined)
  const dialog = useRef<HTMLDialogElement>(null)
  const { value } = wanted

  useEffect(() => {
    if (value === undefined) dialog.current?.close()
    else dialog.current?.showModal()
  }, [value])

  const send = (form: HTMLFormElement, mode: Wanted) => {
    const given = new FormData(form).get("token")
    const token = typeof given === "string" ? given.trim() : ""
    form.reset()
    post<{ readonly done: string }>(`${policyPath(row)}/mode`, { mode }, { "x-kubernetes-token": token }).then(
      () => {
        done.value = `${NAMES[mode]}: done`
        wanted.value = undefined
        setTimeout(() => (done.value = undefined), 6_000)
      },
      (error: unknown) => {
        problem.value = words(error)
      }
    )
  }

  const choices = (["Active", "Recommend", "Paused"] as const).filter((mode) => mode !== row.mode)
  return (
    <div class="mode">
      <span aria-live="polite" class="dim">
        {done.value}
      </span>
      {choices.map((mode) => (
        <button
          type="button"
          onClick={() => {
            problem.value = undefined
            wanted.value = mode
          }}
        >
          {NAMES[mode]}
        </button>
      ))}
      <dialog ref={dialog} aria-labelledby="mode-title" onClose={() => (wanted.value = undefined)}>
        {value !== undefined && (
          <form
            onSubmit={(event) => {
              event.preventDefault()
              send(event.currentTarget, value)
            }}
          >
            <h2 id="mode-title">
              {NAMES[value]} <bdi>{row.name}</bdi>
            </h2>
            <p>{EXPLAINED[value]}</p>
            <label>
              Your Kubernetes token
              <input name="token" type="password" autocomplete="off" required autofocus />
            </label>
            <p class="dim">
              Used for this one call, kept nowhere: what you may change is what the cluster lets you. For example:{" "}
              <code>kubectl create token NAME --duration 10m</code>
            </p>
            {problem.value !== undefined && (
              <p class="problem" role="alert">
                {problem.value}
              </p>
            )}
            <div class="buttons">
              <button type="button" onClick={() => (wanted.value = undefined)}>
                Cancel
              </button>
              <button type="submit" class="primary">
                {NAMES[value]}
              </button>
            </div>
          </form>
        )}
      </dialog>
    </div>
  )
}
