//! What the domain's refusals are to a client.
use axum::http::StatusCode;
use domain_results::ClinicalResultError;
use infra_event_store::repository::CommandError;
use infra_http::Problem;

/// A command's failure as a problem.
pub(super) fn problem(error: CommandError<ClinicalResultError>) -> Problem {
    Problem::of_command(error, refused)
}

fn refused(error: ClinicalResultError) -> Problem {
    let detail = error.to_string();
    match error {
        ClinicalResultError::Unknown => Problem::not_found(),
        ClinicalResultError::AlreadyFiled => Problem::conflict("already_filed", detail),
        ClinicalResultError::NotABeginning(_) => Problem::unprocessable("/status", detail),
        ClinicalResultError::NotPreliminary => Problem::conflict("not_preliminary", detail),
        ClinicalResultError::NotFinal(_) => Problem::conflict("not_final", detail),
        ClinicalResultError::AlreadyFinal(_) => Problem::conflict("already_final", detail),
        ClinicalResultError::Cancelled => Problem::conflict("cancelled", detail),
        ClinicalResultError::EnteredInError => Problem::conflict("entered_in_error", detail),
        ClinicalResultError::Erased => Problem::new(StatusCode::GONE, "erased", "This person's data was erased"),
    }
}
