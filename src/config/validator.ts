/** The validator, valibot. Only this file names the package. Bundles contain only what is used, a tenth of it. */
export * from "valibot";
