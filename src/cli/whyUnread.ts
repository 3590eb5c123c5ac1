/** Why a file that an argument names cannot be read, and what to do: all commands say it in the same words. */
import type { PlatformError } from "effect/PlatformError"

export const whyUnread = ({ message, reason }: PlatformError): string => {
  switch (reason._tag) {
    case "NotFound":
      return "There is no such file. Correct the path."
    case "BadResource":
      return "This is not a file. Of a directory, name the files in it."
    case "PermissionDenied":
      return "You may not read it. Change its permissions, or ask its owner."
    default:
      return message
  }
}
