/**
 * import() for modules that users have written. A script of dist/ that runs from bytecode has no import() of its own:
 * there src/load.ts passes one in.
 */
export const importModule = (url: string): Promise<{ default?: unknown }> => import(url);
