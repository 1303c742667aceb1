//! What the domain's refusals are to a client.
use axum::http::StatusCode;
use domain_results::ClinicalResultError;
use infra_event_store::repository::CommandError;
use infra_http::Problem;

/// A command's failure as a problem.
pub(super) fn problem(error: CommandError<ClinicalResultError>) -> Problem {
    // `From` between two crates that are not ours needs a type of ours in between.
    let error: CommandError<Refusal> = match error {
        CommandError::Rejected(error) => CommandError::Rejected(Refusal(error)),
        CommandError::VersionMismatch { actual } => CommandError::VersionMismatch { actual },
        CommandError::ClaimTaken(kind) => CommandError::ClaimTaken(kind),
        CommandError::OtherCommand => CommandError::OtherCommand,
        CommandError::Contended => CommandError::Contended,
        CommandError::Store(error) => CommandError::Store(error),
        CommandError::Codec(error) => CommandError::Codec(error),
    };
    error.into()
}

struct Refusal(ClinicalResultError);

impl From<Refusal> for Problem {
    fn from(Refusal(error): Refusal) -> Self {
        let detail = error.to_string();
        match error {
            ClinicalResultError::Unknown => Self::not_found(),
            ClinicalResultError::AlreadyFiled => Self::conflict("already_filed", detail),
            ClinicalResultError::NotABeginning(_) => Self::unprocessable("/status", detail),
            ClinicalResultError::NotPreliminary => Self::conflict("not_preliminary", detail),
            ClinicalResultError::NotFinal(_) => Self::conflict("not_final", detail),
            ClinicalResultError::AlreadyFinal(_) => Self::conflict("already_final", detail),
            ClinicalResultError::Cancelled => Self::conflict("cancelled", detail),
            ClinicalResultError::EnteredInError => Self::conflict("entered_in_error", detail),
            ClinicalResultError::Erased => Self::new(StatusCode::GONE, "erased", "This person's data was erased"),
        }
    }
}
