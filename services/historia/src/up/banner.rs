//! What `up` says once it answers.
use crate::data_directory::DataDirectory;
use crate::failure::Failure;
use crate::output;
use infra_runtime::Language;
use std::path::Path;

/// Where everything is.
pub(crate) struct Banner<'a> {
    pub url: &'a str,
    pub data: &'a DataDirectory,
    /// Whether there was data before.
    pub existing: bool,
    /// Whether mail goes to the local mailbox.
    pub mailbox: bool,
    pub administrator_password: &'a Path,
    pub language: Language,
}

impl Banner<'_> {
    /// # Errors
    /// Standard output cannot be written.
    pub(crate) fn print(&self) -> Result<(), Failure> {
        let Self { url, data, administrator_password, .. } = self;
        let (data, password) = (data.path().display(), administrator_password.display());
        let register = format!(
            "curl {url}/users -H 'Content-Type: application/json' \\\n    \
             -d '{{\"username\":\"ana\",\"password\":\"una-clave-larga\",\"role\":1}}'"
        );
        let text = match self.language {
            Language::Spanish => {
                let continues = if self.existing { "continúa con los datos de" } else { "datos nuevos en" };
                let mail = if self.mailbox { format!("{url}/mailbox") } else { "por SMTP".to_owned() };
                format!(
                    "Historia responde en {url} ({continues} {data})\n\n  \
                     documentación   {url}/docs\n  correo          {mail}\n  \
                     administrador   usuario admin, contraseña en {password}\n\n\
                     Para empezar (o importe postman/historia.postman_collection.json en Postman):\n\n  {register}\n\n\
                     Después: historia events tail · historia replay verify · Ctrl-C termina."
                )
            }
            Language::English => {
                let continues = if self.existing { "goes on with the data of" } else { "new data in" };
                let mail = if self.mailbox { format!("{url}/mailbox") } else { "by SMTP".to_owned() };
                format!(
                    "Historia answers at {url} ({continues} {data})\n\n  \
                     documentation   {url}/docs\n  mail            {mail}\n  \
                     administrator   user admin, password in {password}\n\n\
                     To begin (or import postman/historia.postman_collection.json into Postman):\n\n  {register}\n\n\
                     Then: historia events tail · historia replay verify · Ctrl-C ends it."
                )
            }
        };
        output::line(text)
    }
}
