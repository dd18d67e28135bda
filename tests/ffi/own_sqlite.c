/* An app that brings a SQLite of its own, linked with libwildthing.a as it
 * ships. If the archive exported its SQLite, this would not link ("multiple
 * definition"), or worse: the engine would call this one. `cargo xtask size`
 * builds and runs it. */

#include <stdint.h>
#include <stdio.h>
#include <string.h>

const char *sqlite3_libversion(void) { return "the app's own"; }
int sqlite3_libversion_number(void) { return 1; }
int sqlite3_open_v2(const char *name, void **db, int flags, const char *vfs) {
    (void)name, (void)db, (void)flags, (void)vfs;
    return 99;
}
int sqlite3_prepare_v3(void) { return 99; }
int sqlite3_step(void *statement) { return statement == 0 ? 99 : 98; }

/* From the archive. */
uint32_t ffi_wildthing_uniffi_contract_version(void);

int main(void) {
    if (strcmp(sqlite3_libversion(), "the app's own") != 0) return 1;
    if (sqlite3_open_v2("", 0, 0, 0) != 99) return 2;
    printf("contract version %u beside an app's own SQLite\n",
           (unsigned)ffi_wildthing_uniffi_contract_version());
    return 0;
}
