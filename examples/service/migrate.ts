/** Something that has to be done before the rest may start. */
console.log("Migrated the database");
