#include "CoreTesting.h"

// As UniFFI lays it out; the code stays 0, since the call does not fail.
struct buffer {
    uint64_t capacity;
    uint64_t len;
    uint8_t *data;
};

struct status {
    int8_t code;
    struct buffer error;
};

uint64_t uniffi_wildthing_fn_method_wildthingclient_testing_subscriptions(uint64_t client, struct status *status);

uint64_t wildthing_testing_subscriptions(uint64_t client) {
    struct status status = {0};
    return uniffi_wildthing_fn_method_wildthingclient_testing_subscriptions(client, &status);
}
