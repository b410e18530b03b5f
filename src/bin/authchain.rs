//! The command. All of it is in the library (`cli`), which the tests of the rooms share.

fn main() -> std::process::ExitCode {
    authchain::cli::main()
}
