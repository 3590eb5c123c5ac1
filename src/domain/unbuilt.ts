/** What an engine does that this version describes and does not run yet: it asks for nothing. */
import type { EngineOutput } from "./Engine.ts"

export const proposeNothing = (): EngineOutput<null> => ({ proposals: [], memory: null })
