/* A library with nothing in it, for those that only have to be there. */
void __lastcall_stub(void) {}
