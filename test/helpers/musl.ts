/** Whether the tests run on musl, the C library of Alpine: what they see of the C library is another one there. */
const { header } = process.report.getReport() as { readonly header: { readonly glibcVersionRuntime?: string } };

export const onMusl = header.glibcVersionRuntime === undefined;
