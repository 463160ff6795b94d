/** The validator. The only file that names its package; by names, so that a bundle has only what is used: a tenth of it. */
export * from "valibot";
