/**
 * The oldest browsers that the pages support. The build lowers syntax and
 * styles to them, and the linter refuses functions that they do not have.
 */
export const targets = { chrome: "108", edge: "108", firefox: "104", safari: "16.4" };
