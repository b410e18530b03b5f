
#if defined(__GNUC__) || defined(__clang__)
#define AUTH_API __attribute__((visibility("default")))
#define AUTH_MUST_USE __attribute__((warn_unused_result))
#else
#define AUTH_API
#define AUTH_MUST_USE
#endif
