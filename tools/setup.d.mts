/** The folder of the repository. */
export const root: string;
/** Ends the process with one line for a person. */
export function die(message: string, code?: number): never;
