//! F18: what is stored was changed behind the platform's back. Everything is put back in the end, so the last check
//! is of a history that is whole.
use crate::campaign::Campaign;
use crate::client::Answer;
use crate::stage::Condition;
use hyper::{Method, StatusCode};
use platform::Failure;

/// F18: swapped payloads, a flipped byte, a destroyed key.
pub async fn changed_behind_its_back(campaign: &mut Campaign) -> Result<(), Failure> {
    let ids = campaign.file_some(5).await?;
    let [one, two, flipped, erased, _] = ids.as_slice() else { return Err("results are missing".into()) };
    let patients: Vec<String> = (0..ids.len()).map(|index| campaign.patient(index)).collect();
    let listed: Vec<String> = ids.iter().map(|id| format!("'{id}'")).collect();
    let listed = listed.join(",");
    let results = |campaign: &Campaign, statement: String| {
        let statement = format!(
            "alter table event disable trigger event_append_only; {statement};
             alter table event enable trigger event_append_only"
        );
        campaign.stage.postgres.query("historia_results", &statement)
    };
    results(
        campaign,
        format!("create table kept as select stream_id, payload from event where stream_id in ({listed})"),
    )?;
    results(
        campaign,
        format!(
            "update event set payload = kept.payload from kept where event.stream_id in ('{one}', '{two}')
            and kept.stream_id in ('{one}', '{two}') and kept.stream_id <> event.stream_id;
         update event set payload = set_byte(payload, octet_length(payload) - 1,
            get_byte(payload, octet_length(payload) - 1) # 1) where stream_id = '{flipped}'"
        ),
    )?;
    let keys = |campaign: &Campaign, statement: &str| campaign.stage.postgres.query("historia_keys", statement);
    keys(
        campaign,
        &format!(
            "create table kept as select * from data_key where subject = '{erased}';
         update data_key set destroyed_at = now(), wrapped = null, master_id = null where subject = '{erased}'"
        ),
    )?;
    campaign.stage.start_again("results", Condition::default())?;
    campaign.stage.everybody_ready().await?;
    let mut answers = Vec::new();
    for id in &ids {
        answers.push(read(campaign, id).await?);
    }
    let shown = |index: usize| is_its_own(&answers[index], &patients[index]);
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    // Somewhere the right value may still be; a wrong one or none is never shown for it.
    let refused = (0..3).all(|index| answers[index].status.is_server_error() || shown(index));
    let forgotten = !answers[3].body.to_string().contains(&patients[3]);
    let found = campaign.stage.verify()?.is_err();
    let others = shown(4);

    results(
        campaign,
        "update event set payload = kept.payload from kept where kept.stream_id = event.stream_id; drop table kept"
            .to_owned(),
    )?;
    keys(
        campaign,
        "alter table data_key disable trigger data_key_stays_destroyed;
         update data_key set destroyed_at = null, wrapped = kept.wrapped, master_id = kept.master_id from kept
            where kept.key_id = data_key.key_id;
         alter table data_key enable trigger data_key_stays_destroyed; drop table kept",
    )?;
    campaign.stage.start_again("results", Condition::default())?;
    campaign.stage.everybody_ready().await?;
    let mut back = true;
    for (id, patient) in ids.iter().zip(&patients) {
        let answer = read(campaign, id).await?;
        back &= is_its_own(&answer, patient);
    }
    let what = format!(
        "swapped, flipped, destroyed key, untouched: {statuses:?}; nothing wrong is shown: {refused}; what is erased is \
         not shown: {forgotten}; verify finds it: {found}; others are read: {others}; all are read when put back: {back}"
    );
    campaign.asked("F18 sealed records", &what, refused && forgotten && found && others && back);
    Ok(())
}

async fn read(campaign: &Campaign, id: &str) -> Result<Answer, Failure> {
    campaign.laboratories.one(0).await.ask(Method::GET, &format!("/results/{id}"), None, None).await
}

/// Whether the result was shown, with its own patient.
fn is_its_own(answer: &Answer, patient: &str) -> bool {
    answer.status == StatusCode::OK && answer.body["patient"] == patient
}
